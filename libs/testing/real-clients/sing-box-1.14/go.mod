// Pins sing-box 1.14.1 and everything it is built from: `go build -tags with_quic,with_utls
// github.com/sagernet/sing-box/cmd/sing-box` in this directory, checked against go.sum.
module veil/sing-box-1.14

go 1.25.5

require github.com/sagernet/sing-box v1.14.1
