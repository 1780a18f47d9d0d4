// The only file that knows the platform's sockets, so that everything else runs in Node too.
import { connect as platformConnect } from "cloudflare:sockets";
import type { Connect } from "./ways.ts";

export const connect: Connect = (address, options) => platformConnect(address, options);
