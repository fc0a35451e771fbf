/** The page. */

import { App } from "./app";
import { takeCharge } from "./offline";

await takeCharge();
await new App().start();
