package recovery

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"aval/domain/canon"
)

const (
	// NonceBytes is the length of a challenge.
	NonceBytes = 32
	// MaxRequest bounds a request with its quote, MaxGrant the keys that answer it, in bytes.
	MaxRequest = 2 << 20
	MaxGrant   = 1 << 20
)

// Request asks for secrets: for shares of them, or for all from a peer. The key was made where
// the quote says, and what answers the request is sealed to it.
type Request struct {
	Version int    `json:"v"`
	Origin  string `json:"origin"`
	// Nonce is the peer's challenge, or one of the asker's own for members.
	Nonce []byte `json:"nonce"`
	Key   []byte `json:"key"`
	// Quote is an enclave's, over Report.
	Quote []byte `json:"quote"`
}

func newNonce() []byte {
	nonce := make([]byte, NonceBytes)
	rand.Read(nonce)
	return nonce
}

// Report is what stands in the quote for the key of the request: no hash of another kind of key
// can be the same.
func (r Request) Report() [32]byte {
	return sha256.Sum256(append([]byte("aval key request 1\x00"), r.Key...))
}

// Marshal gives the one encoding of a request.
func (r Request) Marshal() ([]byte, error) { return canon.Marshal(r) }

// ParseRequest reads what Marshal wrote.
func ParseRequest(data []byte) (r Request, err error) {
	if len(data) > MaxRequest {
		return r, fmt.Errorf("key request: %d bytes, limit %d", len(data), MaxRequest)
	}
	if err := canon.Unmarshal(data, &r); err != nil || r.Version != 1 {
		return r, errors.New("key request: malformed")
	}
	if len(r.Nonce) != NonceBytes || len(r.Quote) == 0 {
		return r, fmt.Errorf("key request: want a nonce of %d bytes, and a quote", NonceBytes)
	}
	return r, CheckPublic(r.Key)
}

// NewRequest asks a peer that gave the nonce, under a key made for this request alone.
func NewRequest(origin string, nonce []byte) (Request, Key, error) {
	key, err := NewKey()
	if err != nil {
		return Request{}, key, err
	}
	return Request{Version: 1, Origin: origin, Nonce: nonce, Key: key.Public()}, key, nil
}

// grant is the purpose of what answers a request: this one, and no other.
type grant struct {
	For    string `json:"for"`
	Origin string `json:"origin"`
	Nonce  []byte `json:"nonce"`
	Key    []byte `json:"key"`
}

func (r Request) grant() grant { return grant{"aval key grant", r.Origin, r.Nonce, r.Key} }

// Grant seals secrets to a request that the caller has appraised.
func (r Request) Grant(secrets []byte) ([]byte, error) { return sealTo(r.Key, r.grant(), secrets) }

// Accept opens what a peer granted.
func (r Request) Accept(key Key, granted []byte) ([]byte, error) {
	if len(granted) > MaxGrant {
		return nil, fmt.Errorf("granted keys: %d bytes, limit %d", len(granted), MaxGrant)
	}
	secrets, err := key.open(r.grant(), granted)
	if err != nil {
		return nil, fmt.Errorf("granted keys: %w", err)
	}
	return secrets, nil
}
