package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// An entry holds a signed message as it was received, mostly base64url, and the hash of it. On
// disk the parts of a compact JWS stand decoded and the hash is left out: a fifth of the bytes,
// and nothing is lost, because a text in the one strict form of base64url can be made again.
const (
	packedWhole = 0 // the canonical bytes follow
	packedJWS   = 1 // before, three decoded parts, after: each behind its length but the last
)

// jwsEncoding is that of compact JWS, without the slack of spare bits.
var jwsEncoding = base64.RawURLEncoding.Strict()

// packEntry gives what is sealed of an entry's canonical bytes.
func packEntry(body, raw []byte) []byte {
	parts := bytes.Split(raw, []byte("."))
	at := bytes.Index(body, raw)
	if len(parts) != 3 || at < 0 {
		return append([]byte{packedWhole}, body...)
	}
	sum := sha256.Sum256(raw[:len(raw)-len(parts[2])-1])
	after, hashed := bytes.CutSuffix(body[at+len(raw):], sum[:])
	if !hashed {
		return append([]byte{packedWhole}, body...)
	}
	packed := append(make([]byte, 0, len(body)), packedJWS)
	packed = append(binary.AppendUvarint(packed, uint64(at)), body[:at]...)
	for _, part := range parts {
		size := jwsEncoding.DecodedLen(len(part))
		packed = binary.AppendUvarint(packed, uint64(size))
		var err error
		if packed, err = jwsEncoding.AppendDecode(packed, part); err != nil || bytes.ContainsAny(part, "\r\n") {
			return append([]byte{packedWhole}, body...)
		}
	}
	return append(packed, after...)
}

var errPacked = errors.New("sealed entry is not in its packed form")

// unpackEntry gives back the canonical bytes.
func unpackEntry(packed []byte) ([]byte, error) {
	if len(packed) > 0 && packed[0] == packedWhole {
		return packed[1:], nil
	}
	if len(packed) == 0 || packed[0] != packedJWS {
		return nil, errPacked
	}
	rest := packed[1:]
	cut := func() (part []byte, ok bool) {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return nil, false
		}
		part, rest = rest[n:n+int(size)], rest[n+int(size):]
		return part, true
	}
	before, ok := cut()
	body := append(make([]byte, 0, len(packed)+len(packed)/2+sha256.Size), before...)
	input := len(body)
	for i := range 3 {
		part, more := cut()
		if ok = ok && more; !ok {
			return nil, errPacked
		}
		if i == 2 {
			input = len(body) - input // the signed text ends before the second dot
		}
		if i > 0 {
			body = append(body, '.')
		}
		body = jwsEncoding.AppendEncode(body, part)
	}
	sum := sha256.Sum256(body[len(before) : len(before)+input])
	return append(append(body, rest...), sum[:]...), nil
}
