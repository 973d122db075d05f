/* Sockeye, the chat page. MIT OR Apache-2.0. Built from web/pages. */

// pages/chat.ts
import { connect } from "/sockeye.js";
connect();
