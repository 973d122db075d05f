/* Sockeye, the admin page. MIT OR Apache-2.0. Built from web/pages. */

// pages/admin.ts
import { connect } from "/sockeye.js";
connect();
