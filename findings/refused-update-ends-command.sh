#!/usr/bin/env bash
# FerretDB 1.18.0 (SQLite): an update that is refused ends an unordered command, and the answer names the first update.
#
# MongoDB goes on behind an update that it refuses where `ordered` is false, and answers with the index of each that it
# refused. Here nothing behind the first refused one is made, and the answer has one error, of index 0, whichever of them it was:
# `{ $max: { "counts.up": 2 } }` can't be made where `counts` is a text. Whoever takes all others for made loses some of them
# and tells the wrong one that it failed.
#
# Seen with the updates of a, bad, b, worse and c, of which bad and worse are refused: the errors' indexes, and what was made,
# 0 and a.
#
# Needs Go 1.21 or newer and Node 20.
set -euo pipefail
version=1.18.0 driver=7.5.0
expected="errors:0 made:a"

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

mkdir build && cd build
cat > main.go <<'GO'
package main

import (
	"context"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/",
	})
	if err != nil {
		panic(err)
	}
	if err := f.Run(context.Background()); err != nil {
		panic(err)
	}
}
GO
go mod init finding 2> /dev/null
go get "github.com/FerretDB/FerretDB/ferretdb@v$version" 2> go.log || { tail -3 go.log; exit 2; }
go mod tidy 2>> go.log
CGO_ENABLED=0 go build -trimpath -o ../ferretdb .
cd ..
npm init -y > /dev/null
npm install --silent --no-audit --no-fund "mongodb@$driver" > /dev/null

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); })')
mkdir data
./ferretdb "127.0.0.1:$port" "$dir/data" > ferretdb.log 2>&1 &
seen=$(PORT=$port node --input-type=module -e '
  import { MongoClient } from "mongodb";
  const client = new MongoClient(`mongodb://127.0.0.1:${process.env.PORT}/`, { retryWrites: false });
  for (let left = 50; ; left -= 1) {
    try { await client.connect(); await client.db("f").command({ ping: 1 }); break; }
    catch (error) { if (left === 0) throw error; await new Promise((done) => setTimeout(done, 200)); }
  }
  const c = client.db("f").collection("c");
  const ids = ["a", "bad", "b", "worse", "c"];
  const isText = (id) => id === "bad" || id === "worse";
  await c.insertMany(ids.map((_id) => ({ _id, counts: isText(_id) ? "x" : { up: 1 } })));
  const update = { $max: { "counts.up": 2 } };
  const updates = ids.map((_id) => ({ updateOne: { filter: { _id }, update } }));
  const error = await c.bulkWrite(updates, { ordered: false }).then(() => ({ writeErrors: [] }), (thrown) => thrown);
  const made = await c.find({ "counts.up": 2 }).sort({ _id: 1 }).toArray();
  const errors = [error.writeErrors].flat().map(({ index }) => index);
  console.log(`errors:${errors.join(",")} made:${made.map(({ _id }) => _id).join(",")}`);
  await client.close();')

echo "FerretDB $version, mongodb driver $driver: five updates without an order, the second and the fourth of which are refused"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
