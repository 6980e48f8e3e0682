#!/usr/bin/env bash
# FerretDB 1.18.0 (SQLite): the last operator of an update decides whether any of it is stored.
#
# MongoDB applies each operator by itself: `{ $inc: { n: 1 }, $set: { same: 5 } }` on `{ n: 0, same: 5 }` raises `n`. Here
# the document stays as it was, matched 1, modified 0, without an error, since the $set changes nothing and comes last. So
# do $min and $max that lower or raise nothing. The order of the operators in the command is what counts: with the $inc
# last, n is 1. Whoever keeps counters beside values that are only ever raised loses counts without a word.
#
# Seen, the value of n that should be 1: after `$inc` then an idle $set, $min or $max 0; with the idle one first 1; with a
# $min that lowers last 1.
#
# Needs Go 1.21 or newer and Node 20.
set -euo pipefail
version=1.18.0 driver=7.5.0
expected="set-last:0 min-last:0 max-last:0 set-first:1 min-lowers-last:1"

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
  const after = async (name, change) => {
    await c.insertOne({ _id: name, low: 5, high: 5, same: 5, n: 0 });
    await c.updateOne({ _id: name }, change);
    return `${name}:${(await c.findOne({ _id: name })).n}`;
  };
  const $inc = { n: 1 };
  const all = [
    await after("set-last", { $inc, $set: { same: 5 } }),
    await after("min-last", { $inc, $min: { low: 9 } }),
    await after("max-last", { $inc, $max: { high: 1 } }),
    await after("set-first", { $set: { same: 5 }, $inc }),
    await after("min-lowers-last", { $inc, $min: { low: 1 } }),
  ];
  console.log(all.join(" "));
  await client.close();')

echo "FerretDB $version, mongodb driver $driver: n after \$inc beside another operator"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
