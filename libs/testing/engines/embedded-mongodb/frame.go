package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// frame is one message of the MongoDB wire protocol: a header of four little-endian int32 (length of the whole,
// request id, response to, opcode), then the body.
type frame []byte

const (
	headerLength = 16
	// maxFrameLength is MongoDB's maxMessageSizeBytes.
	maxFrameLength = 48_000_000

	opQuery = 2004 // only the handshake of older drivers
	opMsg   = 2013

	flagChecksumPresent = 1 << 0
	flagMoreToCome      = 1 << 1 // in a request: the client reads no reply

	sectionBody             = 0
	sectionDocumentSequence = 1
)

// readingCommands change nothing, so they need no turn. A command that is not here waits for one.
var readingCommands = map[string]bool{
	"aggregate": true, "buildInfo": true, "buildinfo": true, "collStats": true, "connectionStatus": true,
	"count": true, "dataSize": true, "dbStats": true, "dbstats": true, "distinct": true, "endSessions": true,
	"explain": true, "find": true, "getCmdLineOpts": true, "getLog": true, "getMore": true, "getParameter": true,
	"hello": true, "hostInfo": true, "isMaster": true, "ismaster": true, "killCursors": true,
	"listCollections": true, "listCommands": true, "listDatabases": true, "listIndexes": true, "ping": true,
	"serverStatus": true, "whatsmyuri": true,
}

// requestKind is what the front must know about a request.
type requestKind struct {
	mayWrite       bool
	expectsNoReply bool
}

var errTruncated = errors.New("truncated message")

func readFrame(r io.Reader) (frame, error) {
	var header [headerLength]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	length := int(int32(binary.LittleEndian.Uint32(header[:4])))
	if length < headerLength || length > maxFrameLength {
		return nil, fmt.Errorf("message length %d is out of bounds", length)
	}
	f := make(frame, length)
	copy(f, header[:])
	_, err := io.ReadFull(r, f[headerLength:])
	return f, err
}

// inspect fails on what the database would not answer either.
func inspect(request frame) (requestKind, error) {
	switch opcode := int32(binary.LittleEndian.Uint32(request[12:16])); opcode {
	case opQuery:
		return requestKind{}, nil
	case opMsg:
		return inspectMsg(request[headerLength:])
	default:
		return requestKind{}, fmt.Errorf("opcode %d is not supported", opcode)
	}
}

func inspectMsg(body []byte) (requestKind, error) {
	if len(body) < 4 {
		return requestKind{}, errTruncated
	}
	flags := binary.LittleEndian.Uint32(body)
	sections := body[4:]
	if flags&flagChecksumPresent != 0 && len(sections) >= 4 {
		sections = sections[:len(sections)-4]
	}
	command, err := commandName(sections)
	return requestKind{mayWrite: !readingCommands[command], expectsNoReply: flags&flagMoreToCome != 0}, err
}

// commandName is the first key of the body section, which may stand after document sequences.
func commandName(sections []byte) (string, error) {
	for len(sections) > 0 {
		kind, rest := sections[0], sections[1:]
		if len(rest) < 4 {
			return "", errTruncated
		}
		size := int(int32(binary.LittleEndian.Uint32(rest)))
		if size < 5 || size > len(rest) {
			return "", errTruncated
		}
		switch kind {
		case sectionBody:
			return firstKey(rest[:size])
		case sectionDocumentSequence:
			sections = rest[size:]
		default:
			return "", fmt.Errorf("section kind %d is not known", kind)
		}
	}
	return "", errTruncated
}

// firstKey of a BSON document: its length, then per element a type byte and the key, ended by a zero byte.
func firstKey(document []byte) (string, error) {
	elements := document[4:]
	end := bytes.IndexByte(elements, 0)
	if end < 1 {
		return "", errTruncated
	}
	return string(elements[1:end]), nil
}
