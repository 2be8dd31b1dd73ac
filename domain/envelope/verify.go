package envelope

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"

	"aval/domain"
)

// zip215 is the one rule for what a valid Ed25519 signature is, on every path and node:
// ZIP 215, the cofactored equation with any encoding of A and R and a canonical S. It is the
// rule under which checking many signatures at once and checking each alone agree; RFC 8032
// leaves that open, and nodes that disagree on one signature disagree on the ledger.
var zip215 = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// maxExpandedKeys bounds the Ed25519 keys kept in the form that is quick to verify with, about 2 KiB each.
const maxExpandedKeys = 8192

// expanded remembers the keys used last. It changes no result.
var expanded = cache.NewVerifier(cache.NewLRUCache(maxExpandedKeys))

// Verify checks the mathematics of a signature under a registered key. It does not judge
// whether that key may act. Returns a BadSignature rejection.
func Verify(key domain.Key, s domain.Signed) error {
	if fits(key, s) && verifies(key, s) {
		return nil
	}
	return badSignature(s)
}

func badSignature(s domain.Signed) error {
	return domain.Refuse(domain.BadSignature, "signature does not verify under key %.43s", s.KeyID)
}

// fits says whether the signature claims to be one of that key, and could be.
func fits(key domain.Key, s domain.Signed) bool {
	return s.Algorithm == key.Algorithm && s.KeyID == key.ID && len(s.Signature) == ed25519.SignatureSize
}

func verifies(key domain.Key, s domain.Signed) bool {
	switch key.Algorithm {
	case EdDSA:
		return expanded.VerifyWithOptions(key.Public, s.Input, s.Signature, zip215)
	case ES256:
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key.Public)
		if err != nil {
			return false
		}
		digest := sha256.Sum256(s.Input)
		r, t := new(big.Int).SetBytes(s.Signature[:32]), new(big.Int).SetBytes(s.Signature[32:])
		return ecdsa.Verify(public, digest[:], r, t)
	}
	return false
}

// VerifyAll checks each signature under the key of the same place and gives for each what
// Verify gives. The Ed25519 ones are checked together, at about half the cost of one by one; if
// one of them is forged, each is checked alone. Safe for concurrent use.
func VerifyAll(keys []domain.Key, signed []domain.Signed) []error {
	errs := make([]error, len(signed))
	batch := ed25519.NewBatchVerifierWithCapacity(len(signed))
	var places []int
	for i, s := range signed {
		if keys[i].Algorithm != EdDSA || !fits(keys[i], s) {
			errs[i] = Verify(keys[i], s)
			continue
		}
		expanded.AddWithOptions(batch, keys[i].Public, s.Input, s.Signature, zip215)
		places = append(places, i)
	}
	if len(places) == 0 {
		return errs
	}
	_, valid := batch.Verify(nil) // nil: its coefficients come from crypto/rand, and change no result
	for n, i := range places {
		if !valid[n] {
			errs[i] = badSignature(signed[i])
		}
	}
	return errs
}

// soundPoint says whether the bytes are the one encoding of a point of large order.
func soundPoint(public []byte) bool {
	var compressed curve.CompressedEdwardsY
	if _, err := compressed.SetBytes(public); err != nil || !compressed.IsCanonicalVartime() {
		return false
	}
	var point curve.EdwardsPoint
	_, err := point.SetCompressedY(&compressed)
	return err == nil && !point.IsSmallOrder()
}
