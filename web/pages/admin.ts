export {}; import { connect } from '../src/socket'; connect();
