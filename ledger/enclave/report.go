package enclave

import (
	"crypto/sha512"
	"encoding/binary"
)

// reportDomain keeps the sum apart from every other use of the hash.
const reportDomain = "aval report data 1\x00"

// ReportData is what a quote vouches for: keys that were made inside, and for whom the quote was made.
type ReportData struct {
	// TLSKey is the SHA-256 of the node's SubjectPublicKeyInfo (DER). Zeros: no such key.
	TLSKey [32]byte
	// LogKey is the log's verifier key, a C2SP vkey.
	LogKey string
	// Origin is the name of the ledger.
	Origin string
	// Nonce is the challenge of who asked. Empty: a quote that was made for nobody, and proves nothing
	// about when.
	Nonce []byte
	// Way is how the node came by its ledger keys, a domain.Opened word, and Epoch the one of them that seals.
	// Empty and zero: it has none.
	Way   string
	Epoch uint32
}

// Sum is SHA-512 over a domain word and the fields, each after its length (8 bytes, big endian).
func (r ReportData) Sum() (sum [64]byte) {
	h := sha512.New()
	h.Write([]byte(reportDomain))
	for _, field := range [][]byte{r.TLSKey[:], []byte(r.LogKey), []byte(r.Origin), r.Nonce, []byte(r.Way), binary.BigEndian.AppendUint32(nil, r.Epoch)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write(field)
	}
	h.Sum(sum[:0])
	return sum
}
