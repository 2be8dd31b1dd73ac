package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// saltSize is the length of the salt of one field: what an attacker would have to guess.
const saltSize = aes.BlockSize

// salts are what makes the log's commitments say nothing to strangers. They are keyed and
// not random, so that they need no storage, and every holder of the ledger key finds the
// same ones. Safe for concurrent use.
type salts struct {
	fields cipher.Block
	state  []byte
}

func newSalts(secret []byte, origin string) (*salts, error) {
	fields, err := hkdf.Key(sha256.New, secret, nil, "aval field salts "+origin, 32)
	if err != nil {
		return nil, err
	}
	state, err := hkdf.Key(sha256.New, secret, nil, "aval state digest "+origin, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(fields)
	return &salts{block, state}, err
}

// field fills in the salt of one field of one view of one entry: its place, encrypted as one
// block. AES is a permutation, so no two places share a salt; and whoever lacks the key learns
// nothing about one salt from any number of others.
func (s *salts) field(salt []byte, index uint64, view, field int) {
	binary.BigEndian.PutUint64(salt, index)
	binary.BigEndian.PutUint32(salt[8:], uint32(view))
	binary.BigEndian.PutUint32(salt[12:], uint32(field))
	s.fields.Encrypt(salt, salt)
}

// digest is the state digest as the log shows it: keyed by the batch too, so that equal
// states look different, and nobody can test what he believes the state to be.
func (s *salts) digest(sequence uint64, digest []byte) []byte {
	mac := hmac.New(sha256.New, s.state)
	mac.Write(append(strconv.AppendUint([]byte("state "), sequence, 10), ' '))
	mac.Write(digest)
	return mac.Sum(nil)
}
