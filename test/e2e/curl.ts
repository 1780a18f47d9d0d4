// As much of curl as the lines of `npm start` need; fetch can't send a Host header.
import { request } from "node:http";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: "boolean", short: "s" },
    "show-error": { type: "boolean", short: "S" },
    "write-out": { type: "string", short: "w", default: "" },
    request: { type: "string", short: "X" },
    header: { type: "string", short: "H", multiple: true, default: [] },
    data: { type: "string", short: "d" },
  },
});

const headers = Object.fromEntries(
  values.header.map((line): [string, string] => [
    line.slice(0, line.indexOf(":")),
    line.slice(line.indexOf(":") + 1).trim(),
  ]),
);
const method = values.request ?? (values.data === undefined ? "GET" : "POST");
const asked = request(positionals[0] ?? "", { method, headers }, (response) => {
  response.pipe(process.stdout, { end: false });
  response.on("end", () => process.stdout.write(values["write-out"].replaceAll(String.raw`\n`, "\n")));
});
asked.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 7;
});
asked.end(values.data);
