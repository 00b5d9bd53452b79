// Verifies what is posted to it; one line of JSON for each delivery. Secret in SECRET.
import http from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.SECRET);
const server = http.createServer((request, answer) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    let told;
    try {
      const event = webhook.verify(Buffer.concat(pieces).toString("utf8"), request.headers);
      told = { id: request.headers["webhook-id"], type: event.type, customer: event.data.customer_id };
      answer.writeHead(204);
    } catch (problem) {
      told = { refused: String(problem) };
      answer.writeHead(400);
    }
    answer.end();
    console.log(JSON.stringify(told));
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
