// Command embedded-mongodb serves the MongoDB wire protocol from SQLite files, for machines without a mongod.
//
// It embeds FerretDB, which reads, changes and writes a document in separate steps, behind a front that lets one
// writing command through at a time, so that $inc, findAndModify and upserts are as atomic as on MongoDB.
// It is made for one machine and its tests. It has no authentication: listen on loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// socketName is relative to the data directory, which becomes the working directory: the path of a Unix socket may
// hold about 100 bytes only, the path of a data directory more.
const socketName = "ferretdb.sock"

// sqliteURL asks for a sync of the write-ahead log at every commit: what was acknowledged survives a power cut.
const sqliteURL = "file:./?_pragma=synchronous(full)"

// Reading documents makes much garbage beside little that stays. Collected at five times what stays instead of twice,
// reads of all keys take a quarter less (measured), for some 70 MB; the limit is where memory counts for more again.
const (
	garbagePercent = 400
	memoryLimit    = 512 << 20
)

func main() {
	listen := flag.String("listen", "127.0.0.1:27017", "loopback address and port to listen on")
	dir := flag.String("dir", "", "directory of the SQLite files; made when missing")
	flag.Parse()
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryLimit)

	if err := run(*listen, *dir); err != nil {
		fmt.Fprintf(os.Stderr, "embedded-mongodb: %s\n", err)
		os.Exit(1)
	}
}

func run(listen, dir string) error {
	release, err := enterDataDir(dir)
	if err != nil {
		return err
	}
	defer release()

	listener, err := listenOnLoopback(listen)
	if err != nil {
		return err
	}
	defer listener.Close()

	signaled, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	database, err := startDatabase()
	if err != nil {
		return err
	}
	f := newFront(socketName)
	go f.serve(listener)
	fmt.Printf("listening on %s, data in %s\n", listener.Addr(), dir)

	select {
	case err := <-database.ended:
		return fmt.Errorf("the database ended by itself: %w", err)
	case <-signaled.Done():
		stop() // a second signal ends the process at once
		listener.Close()
		f.close()
		database.cancel()
		return <-database.ended
	}
}

// enterDataDir makes the data directory private and the working directory, and locks it against a second process.
func enterDataDir(dir string) (release func(), err error) {
	if dir == "" {
		return nil, errors.New("-dir is missing; for example -dir /var/lib/embedded-mongodb")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chdir(dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile("lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s is in use by another process", filepath.Clean(dir))
	}
	// The lock is ours, so a socket that lies here was left by a process that was killed.
	if err := os.Remove(socketName); err != nil && !errors.Is(err, os.ErrNotExist) {
		lock.Close()
		return nil, err
	}
	return func() { lock.Close() }, nil
}

func listenOnLoopback(address string) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if !tcp.IP.IsLoopback() {
		return nil, fmt.Errorf("-listen %s is not a loopback address, and there is no authentication", address)
	}
	return net.ListenTCP("tcp", tcp)
}

// database is a running FerretDB: cancel ends it, ended tells how it ended.
type database struct {
	cancel context.CancelFunc
	ended  chan error
}

// startDatabase returns when the database takes connections on its socket. Its telemetry never runs when embedded.
func startDatabase() (*database, error) {
	ferret, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socketName},
		Handler:   "sqlite",
		SQLiteURL: sqliteURL,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &database{cancel: cancel, ended: make(chan error, 1)}
	go func() { d.ended <- ferret.Run(ctx) }()

	for {
		select {
		case err := <-d.ended:
			cancel()
			return nil, fmt.Errorf("the database did not start: %w", err)
		case <-time.After(5 * time.Millisecond):
			if conn, err := net.Dial("unix", socketName); err == nil {
				conn.Close()
				return d, nil
			}
		}
	}
}
