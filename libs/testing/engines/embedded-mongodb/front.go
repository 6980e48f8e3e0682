package main

import (
	"net"
	"sync"
)

// front relays each client connection to a database connection of its own, frame by frame, and lets one writing
// command run at a time over all of them. Reading commands run side by side.
type front struct {
	socket string
	writes sync.Mutex // held while a writing command runs

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

func newFront(socket string) *front {
	return &front{socket: socket, conns: map[net.Conn]struct{}{}}
}

// serve accepts connections until the listener is closed.
func (f *front) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go f.relay(client)
	}
}

// close lets the writing command that runs come to its end, starts no other one, and cuts all connections.
func (f *front) close() {
	f.writes.Lock() // for good: no command may start to write any more
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for conn := range f.conns {
		conn.Close()
	}
}

// relay ends with the first error on either side. A client whose connection is cut asks again on a new one, as it
// does with any MongoDB.
func (f *front) relay(client net.Conn) {
	defer f.forget(client)
	if !f.remember(client) {
		return
	}
	backend, err := net.Dial("unix", f.socket)
	if err != nil {
		return
	}
	defer f.forget(backend)
	if !f.remember(backend) {
		return
	}

	for {
		request, err := readFrame(client)
		if err != nil {
			return
		}
		kind, err := inspect(request)
		if err != nil {
			return
		}
		reply, err := f.exchange(backend, request, kind)
		if err != nil {
			return
		}
		if kind.expectsNoReply {
			continue // FerretDB answers all the same
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// exchange holds the turn to write until the reply is there, also when the client expects none or has gone.
func (f *front) exchange(backend net.Conn, request frame, kind requestKind) (frame, error) {
	if kind.mayWrite {
		f.writes.Lock()
		defer f.writes.Unlock()
	}
	if _, err := backend.Write(request); err != nil {
		return nil, err
	}
	return readFrame(backend)
}

func (f *front) remember(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.conns[conn] = struct{}{}
	return true
}

func (f *front) forget(conn net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, conn)
	conn.Close()
}
