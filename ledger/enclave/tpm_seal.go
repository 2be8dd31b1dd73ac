package enclave

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"aval/domain/canon"
)

const (
	tpmSealedVersion = 1
	// MaxTPMReleases bounds the releases that one secret is sealed to: the one that runs and,
	// during a roll-over, the next.
	MaxTPMReleases = 2
	maxTPMSealed   = 1 << 20
)

// ErrTPMSealed reports a secret that the TPM does not give to this binary in this boot, that
// another TPM sealed, or whose bytes were changed.
var ErrTPMSealed = errors.New("sealed to another binary, boot or TPM, or changed")

// Release is what a secret is sealed to.
type Release struct {
	// Binary is its MeasureBinary.
	Binary [sha256.Size]byte
	// Boot are the registers of its boot that will differ from this one's.
	Boot map[uint][sha256.Size]byte
}

// tpmSealed is a sealed secret: its body under a random key, and that key sealed by the TPM once
// for each binary that may have it.
type tpmSealed struct {
	Version uint      `json:"v"`
	Slots   []tpmSlot `json:"slots"`
	// Body is the secret under AES-256-GCM, bound to its purpose and to the policies of the slots: nobody adds one to whom the
	// secret would be sealed again.
	Body []byte `json:"body"`
}

// tpmSlot is a sealed data object: TPM2B_PRIVATE and TPMT_PUBLIC. Its policy names the registers.
type tpmSlot struct {
	Private []byte `json:"private"`
	Public  []byte `json:"public"`
}

// Seal implements Platform: only the binary that runs, on this TPM and after this boot, gets the secret back.
func (p *TPM) Seal(purpose string, secret []byte) ([]byte, error) {
	policies, err := p.policies(Release{Binary: p.binary})
	if err != nil {
		return nil, err
	}
	return p.sealSecret(purpose, secret, policies)
}

// SealLike is Seal for all releases that another secret is sealed to. The caller has unsealed that one, and found in it what nobody else
// could have put there: anybody can seal something to whatever he likes.
func (p *TPM) SealLike(purpose string, secret, like []byte) ([]byte, error) {
	s, err := parseTPMSealed(like)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	policies, err := s.policies()
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return p.sealSecret(purpose, secret, policies)
}

// sealSecret seals a secret under a new key, and the key under each policy: who is no longer among the binaries may have kept an old key.
func (p *TPM) sealSecret(purpose string, secret []byte, policies [][]byte) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	aead, err := bodyCipher(key)
	if err != nil {
		return nil, err
	}
	return p.sealKey(key, aead.Seal(nil, nil, secret, bodyData(purpose, policies)), policies)
}

// bodyData is what the body is bound to.
func bodyData(purpose string, policies [][]byte) []byte {
	data := []byte(purpose)
	for _, policy := range policies {
		data = append(append(data, 0), policy...)
	}
	return data
}

// policies are those of the slots, as they say themselves.
func (s tpmSealed) policies() (policies [][]byte, err error) {
	for _, slot := range s.Slots {
		public, err := parseTPM[tpm2.TPMTPublic](slot.Public)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTPMSealed, err)
		}
		policies = append(policies, public.AuthPolicy.Buffer)
	}
	return policies, nil
}

// Unseal implements Platform. ErrTPMSealed.
func (p *TPM) Unseal(purpose string, sealed []byte) ([]byte, error) {
	s, err := parseTPMSealed(sealed)
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", purpose, err)
	}
	key, err := p.unsealKey(s)
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", purpose, err)
	}
	return s.open(key, purpose)
}

// Reseal gives a sealed secret to other releases beside the one that runs: the next one,
// before it is started. Without others it takes it from all but the running one. A purpose that is not
// the secret's is refused. At most MaxTPMReleases in all.
func (p *TPM) Reseal(purpose string, sealed []byte, others ...Release) ([]byte, error) {
	s, err := parseTPMSealed(sealed)
	if err != nil {
		return nil, fmt.Errorf("reseal %s: %w", purpose, err)
	}
	if len(others) >= MaxTPMReleases {
		return nil, fmt.Errorf("reseal %s: %d releases, limit %d", purpose, len(others)+1, MaxTPMReleases)
	}
	key, err := p.unsealKey(s)
	if err != nil {
		return nil, fmt.Errorf("reseal %s: %w", purpose, err)
	}
	secret, err := s.open(key, purpose)
	if err != nil {
		return nil, err
	}
	policies, err := p.policies(append([]Release{{Binary: p.binary}}, others...)...)
	if err != nil {
		return nil, err
	}
	return p.sealSecret(purpose, secret, policies)
}

func parseTPMSealed(sealed []byte) (s tpmSealed, err error) {
	if len(sealed) > maxTPMSealed {
		return s, fmt.Errorf("%w: %d bytes, limit %d", ErrTPMSealed, len(sealed), maxTPMSealed)
	}
	if err := canon.Unmarshal(sealed, &s); err != nil {
		return s, fmt.Errorf("%w: %w", ErrTPMSealed, err)
	}
	if s.Version != tpmSealedVersion || len(s.Slots) == 0 || len(s.Slots) > MaxTPMReleases {
		return s, fmt.Errorf("%w: version %d for %d binaries", ErrTPMSealed, s.Version, len(s.Slots))
	}
	return s, nil
}

func bodyCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// open opens the body with the key from a slot.
func (s tpmSealed) open(key []byte, purpose string) ([]byte, error) {
	policies, err := s.policies()
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", purpose, err)
	}
	aead, err := bodyCipher(key)
	if err == nil {
		var secret []byte
		if secret, err = aead.Open(nil, nil, s.Body, bodyData(purpose, policies)); err == nil {
			return secret, nil
		}
	}
	return nil, fmt.Errorf("unseal %s: %w", purpose, ErrTPMSealed)
}
