package envelope

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"

	"aval/domain"
)

// The signature algorithms, by their JWS names.
const (
	EdDSA = "EdDSA"
	ES256 = "ES256"
)

// CheckKey refuses a key whose algorithm, public bytes or thumbprint do not belong together,
// and an Ed25519 key under which anybody could sign (a point of small order) or that could be
// written in two ways.
func CheckKey(k domain.Key) error {
	jwk, err := publicJWK(k)
	if err != nil {
		return err
	}
	id, err := thumbprint(jwk)
	if err != nil || id != k.ID {
		return domain.Refuse(domain.Malformed, "key ID %.43q is not the RFC 7638 thumbprint of the key", k.ID)
	}
	if k.Algorithm == EdDSA && !soundPoint(k.Public) {
		return domain.Refuse(domain.Malformed, "key %.43s is not a canonical Ed25519 point of large order", k.ID)
	}
	return nil
}

func publicJWK(k domain.Key) (jose.JSONWebKey, error) {
	switch k.Algorithm {
	case EdDSA:
		if len(k.Public) == ed25519.PublicKeySize {
			return jose.JSONWebKey{Key: ed25519.PublicKey(k.Public)}, nil
		}
	case ES256:
		if public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.Public); err == nil {
			return jose.JSONWebKey{Key: public}, nil
		}
	}
	return jose.JSONWebKey{}, domain.Refuse(domain.Malformed, "key of algorithm %.10q with %d public bytes", k.Algorithm, len(k.Public))
}

func thumbprint(jwk jose.JSONWebKey) (string, error) {
	sum, err := jwk.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// Signer holds a private key. Safe for concurrent use.
type Signer struct {
	// Key is the public half, with Class, Holder, Since and Revoked left empty.
	Key     domain.Key
	private crypto.Signer
}

// NewSigner makes a key of algorithm EdDSA or ES256 from the randomness it is given.
func NewSigner(algorithm string, random io.Reader) (*Signer, error) {
	switch algorithm {
	case EdDSA:
		seed := make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(random, seed); err != nil {
			return nil, err
		}
		return signerOf(ed25519.NewKeyFromSeed(seed))
	case ES256:
		for {
			scalar := make([]byte, 32)
			if _, err := io.ReadFull(random, scalar); err != nil {
				return nil, err
			}
			if private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err == nil {
				return signerOf(private) // else the scalar is not below the group order: draw again
			}
		}
	}
	return nil, fmt.Errorf("algorithm %.10q: want EdDSA or ES256", algorithm)
}

func signerOf(private crypto.Signer) (*Signer, error) {
	key := domain.Key{}
	switch public := private.Public().(type) {
	case ed25519.PublicKey:
		key.Algorithm, key.Public = EdDSA, public
	case *ecdsa.PublicKey:
		b, err := public.Bytes()
		if err != nil || public.Curve != elliptic.P256() {
			return nil, fmt.Errorf("ECDSA key is not on P-256")
		}
		key.Algorithm, key.Public = ES256, b
	default:
		return nil, fmt.Errorf("key type %T: want Ed25519 or P-256", public)
	}
	jwk, err := publicJWK(key)
	if err != nil {
		return nil, err
	}
	key.ID, err = thumbprint(jwk)
	return &Signer{Key: key, private: private}, err
}

// Sign gives the 64-byte signature of JWS and COSE: Ed25519, or r and s of a deterministic ECDSA.
func (s *Signer) Sign(input []byte) ([]byte, error) {
	if private, ok := s.private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(private, input), nil
	}
	digest := sha256.Sum256(input)
	der, err := s.private.Sign(nil, digest[:], crypto.SHA256) // nil randomness: RFC 6979
	if err != nil {
		return nil, err
	}
	return rawSignature(der)
}

// ParseSigner reads a private JWK, the content of a key file.
func ParseSigner(data []byte) (*Signer, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("read private key: not a JWK") // the cause could quote the key
	}
	private, ok := jwk.Key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("read private key: the JWK holds no private key")
	}
	return signerOf(private)
}

// Format gives the private JWK, for a key file that only its owner can read.
func (s *Signer) Format() ([]byte, error) {
	return jose.JSONWebKey{Key: s.private, KeyID: s.Key.ID, Algorithm: s.Key.Algorithm}.MarshalJSON()
}
