// Pins mihomo 1.19.27 and everything it is built from: `go build github.com/metacubex/mihomo` in this directory,
// checked against go.sum.
module veil/mihomo

go 1.24

require github.com/metacubex/mihomo v1.19.27
