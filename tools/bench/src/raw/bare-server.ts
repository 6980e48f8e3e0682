import express from "express";
import mongoose from "mongoose";

const [mongodbUri = ""] = process.argv.slice(2);
const connection = await mongoose.createConnection(mongodbUri).asPromise();
const keys = connection.model("Key", new mongoose.Schema({ _id: String }, { collection: "keys", strict: false }));

const app = express();
app.get("/api/keys/:id", (request, response, next) => {
  keys
    .findById(request.params.id)
    .lean()
    .then((key) => response.json(key), next);
});
const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : 0);
});
process.once("disconnect", () => process.exit(0));
