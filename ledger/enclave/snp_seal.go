package enclave

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/google/go-sev-guest/client"
)

// cipher asks the processor for the key of this guest: it is mixed from the chip, the launch
// digest, the guest policy and the TCB, so neither another image, nor a guest with debug on, nor
// firmware before that TCB gets it. Not mixed are IDs that an owner may set without changing the code.
func (p *snp) cipher(tcb uint64) (cipher.AEAD, error) {
	device, err := p.device()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSNP, err)
	}
	defer device.Close()
	derived, err := client.GetDerivedKeyAcknowledgingItsLimitations(device, &client.SnpDerivedKeyReq{
		UseVCEK:          true,
		GuestFieldSelect: client.GuestFieldSelect{Measurement: true, GuestPolicy: true, TCBVersion: true},
		TCBVersion:       tcb,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: derive key: %w", ErrSNP, err)
	}
	// The processor gives the same key for whatever asks: ours is for sealing only.
	key, err := hkdf.Key(sha256.New, derived.Data[:], nil, "aval snp seal 1", 32)
	if err != nil {
		return nil, err
	}
	return bodyCipher(key)
}
