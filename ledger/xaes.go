package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"sync/atomic"
)

// xaesNonce is the length of a nonce of XAES-256-GCM. The first half derives the key of an
// AES-256-GCM, the second is the nonce under it. Plain AES-GCM with random nonces is safe for 2^32
// bodies, which a busy ledger seals in days.
const (
	xaesNonce = 24
	xaesHalf  = xaesNonce / 2
)

// maxDerived is how many bodies are sealed under one derived key: few enough that no random
// nonce of 12 bytes repeats, many enough that to derive it costs nothing.
const maxDerived = 1 << 24

// xaes is C2SP XAES-256-GCM. Safe for concurrent use.
type xaes struct {
	block cipher.Block
	// k1 is the subkey of CMAC (NIST SP 800-38B, 6.1).
	k1 [aes.BlockSize]byte
	// sealing is the derived key in use, opening the one that was last opened with.
	sealing, opening atomic.Pointer[derived]
}

// derived is the key that the first half of a nonce leads to.
type derived struct {
	half [xaesHalf]byte
	cipher.AEAD
	used atomic.Int64
}

func newXAES(key []byte) (*xaes, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	x := &xaes{block: block}
	block.Encrypt(x.k1[:], x.k1[:])
	carry := byte(0)
	for i := len(x.k1) - 1; i >= 0; i-- {
		x.k1[i], carry = x.k1[i]<<1|carry, x.k1[i]>>7
	}
	x.k1[aes.BlockSize-1] ^= carry * 0x87
	return x, nil
}

// derive gives the key of the first half of a nonce.
func (x *xaes) derive(half [xaesHalf]byte) (*derived, error) {
	var key [2 * aes.BlockSize]byte
	for i := range 2 {
		part := key[i*aes.BlockSize:][:aes.BlockSize]
		part[1], part[2] = byte(i+1), 'X'
		copy(part[4:], half[:])
		for j := range part {
			part[j] ^= x.k1[j]
		}
		x.block.Encrypt(part, part)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &derived{half: half, AEAD: aead}, err
}

// fresh is the derived key to seal with; another one each maxDerived bodies.
func (x *xaes) fresh() *derived {
	if d := x.sealing.Load(); d != nil && d.used.Add(1) <= maxDerived {
		return d
	}
	var half [xaesHalf]byte
	rand.Read(half[:])
	d, err := x.derive(half)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	x.sealing.Store(d)
	return d
}

// seal appends a nonce and the sealed body.
func (x *xaes) seal(to, body, place []byte) []byte {
	d := x.fresh()
	var nonce [xaesHalf]byte
	rand.Read(nonce[:])
	return d.Seal(append(append(to, d.half[:]...), nonce[:]...), nonce[:], body, place)
}

// open appends the body of what seal gave.
func (x *xaes) open(to, sealed, place []byte) ([]byte, error) {
	if len(sealed) < xaesNonce {
		return nil, errors.New("shorter than a nonce")
	}
	half := [xaesHalf]byte(sealed)
	d := x.opening.Load()
	if d == nil || d.half != half {
		var err error
		if d, err = x.derive(half); err != nil {
			return nil, err
		}
		x.opening.Store(d)
	}
	return d.Open(to, sealed[xaesHalf:xaesNonce], sealed[xaesNonce:], place)
}
