//go:build tools

// Package xray pins Xray and everything it is built from: `go build github.com/xtls/xray-core/main` in this
// directory, checked against go.sum.
package xray

import _ "github.com/xtls/xray-core/main"
