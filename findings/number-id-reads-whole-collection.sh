#!/usr/bin/env bash
# FerretDB 1.18.0 (SQLite): a document is found by its index only if `_id` is a text; for a number all documents are read.
#
# MongoDB finds any `_id` by the index that every collection has, whatever its type. Here `findOne({ _id: 7 })` takes as long as
# a pass over the whole collection, also where nothing is found, so a probe by an id that no document has costs more the more
# documents there are. `findOne({ _id: "7" })` of the same documents takes about a millisecond.
#
# Seen with 20,000 small documents on a busy machine, the medians of 15: by a number 520 ms, by a text 1.2 ms.
#
# Needs Go 1.21 or newer and Node 20.
set -euo pipefail
version=1.18.0 driver=7.5.0
expected="number-reads-all:true text-by-index:true"

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
  const db = client.db("f");
  const median = async (collection, id) => {
    const took = [];
    for (let times = 0; times < 15; times += 1) {
      const begun = performance.now();
      await db.collection(collection).findOne({ _id: id });
      took.push(performance.now() - begun);
    }
    return took.sort((one, other) => one - other)[7];
  };
  const idOf = { text: String, number: Number };
  for (const kind of Object.keys(idOf)) {
    for (let start = 0; start < 20_000; start += 1_000) {
      await db.collection(kind).insertMany(Array.from({ length: 1_000 }, (_, at) => ({ _id: idOf[kind](start + at), n: 1 })));
    }
  }
  const [text, number] = [await median("text", "19999"), await median("number", 19_999)];
  console.error(`by a number ${number.toFixed(1)} ms, by a text ${text.toFixed(1)} ms`);
  console.log(`number-reads-all:${number > 10 * text} text-by-index:${text < 10}`);
  await client.close();')

echo "FerretDB $version, mongodb driver $driver: findOne by _id among 20,000 documents"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
