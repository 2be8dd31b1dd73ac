package node

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"aval/domain/canon"
	"aval/ledger/enclave"
)

// MaxNonce bounds the challenge in a statement, in bytes.
const MaxNonce = 64

// What is wrong with a statement, whatever its quote says.
var (
	// ErrRelay: the far end of the connection holds another key than the one that was attested.
	ErrRelay = errors.New("the connection's TLS key is not the attested one: a relay, or somebody with a certificate of his own, stands between")
	// ErrNonce: an answer to another challenge, perhaps an old one.
	ErrNonce = errors.New("the statement answers another nonce")
)

// Statement is what a node answers to a challenge: GET /v1/attestation.
type Statement struct {
	// Ledger and LogKey are its name and the vkey of its log.
	Ledger string `json:"ledger"`
	LogKey string `json:"logKey"`
	// TLSKey is the SHA-256 of its SubjectPublicKeyInfo, Nonce the challenge, both in lower-case hex.
	TLSKey string `json:"tlsKey"`
	Nonce  string `json:"nonce"`
	// Way is how it came by its ledger keys, a domain.Opened word, and Epoch the one of them that seals.
	Way   string `json:"way"`
	Epoch uint32 `json:"epoch"`
	// Quote is one of package enclave over all of the above, as Marshal wrote it.
	Quote []byte `json:"quote"`
}

// newStatement has the platform quote. Safe for concurrent use if the platform is.
func newStatement(p enclave.Platform, r enclave.ReportData) (Statement, error) {
	quote, err := p.Quote(r.Sum())
	if err != nil {
		return Statement{}, fmt.Errorf("make quote: %w", err)
	}
	s := Statement{Ledger: r.Origin, LogKey: r.LogKey, TLSKey: hex.EncodeToString(r.TLSKey[:]), Nonce: hex.EncodeToString(r.Nonce), Way: r.Way, Epoch: r.Epoch}
	s.Quote, err = quote.Marshal()
	return s, err
}

// ParseStatement reads a statement. Nothing in it has been checked then but its form.
func ParseStatement(text []byte) (s Statement, err error) {
	if err := canon.DecodeJSON(text, &s); err != nil {
		return s, fmt.Errorf("read statement: %w", err)
	}
	_, err = s.report()
	return s, err
}

// Answers says whether the statement is about the key of the connection and answers the nonce. ErrRelay, ErrNonce.
func (s Statement) Answers(key [32]byte, nonce []byte) error {
	report, err := s.report()
	switch {
	case err != nil:
		return err
	case !bytes.Equal(report.Nonce, nonce):
		return ErrNonce
	case report.TLSKey != key:
		return ErrRelay
	}
	return nil
}

// Appraise holds the quote to a policy as of a time, and to what the statement says. Errors are those of enclave.Appraise.
func (s Statement) Appraise(p enclave.Policy, at time.Time) (enclave.Appraisal, error) {
	report, err := s.report()
	if err != nil {
		return enclave.Appraisal{}, err
	}
	quote, err := enclave.ParseQuote(s.Quote)
	if err != nil {
		return enclave.Appraisal{}, err
	}
	return enclave.Appraise(quote, p, report, at)
}

// report is what the quote must vouch for.
func (s Statement) report() (r enclave.ReportData, err error) {
	if err := CheckOrigin(s.Ledger); err != nil {
		return r, fmt.Errorf("statement: %w", err)
	}
	key, err := hex.DecodeString(s.TLSKey)
	if err != nil || len(key) != len(r.TLSKey) {
		return r, fmt.Errorf("statement: tlsKey: want %d bytes in hex", len(r.TLSKey))
	}
	if !slices.Contains(ways, s.Way) {
		return r, fmt.Errorf("statement: way %.20q: want one of %q", s.Way, ways)
	}
	nonce, err := hex.DecodeString(s.Nonce)
	if err != nil || len(nonce) > MaxNonce {
		return r, fmt.Errorf("statement: nonce: want at most %d bytes in hex", MaxNonce)
	}
	return enclave.ReportData{TLSKey: [32]byte(key), LogKey: s.LogKey, Origin: s.Ledger, Nonce: nonce, Way: s.Way, Epoch: s.Epoch}, nil
}

// state answers one challenge to this node.
func (n *Node) state(nonce []byte) ([]byte, error) {
	keys := n.Folder.Keys
	s, err := newStatement(n.Folder.Platform, enclave.ReportData{TLSKey: n.TLS.Key(), LogKey: keys.LogVerifier, Origin: keys.Origin, Nonce: nonce, Way: n.way, Epoch: n.Engine.KeyEpoch()})
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}
