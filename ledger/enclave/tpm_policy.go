package enclave

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strconv"
)

const (
	// MaxTPMKeys and MaxTPMBoots bound the lists of a policy.
	MaxTPMKeys  = 64
	MaxTPMBoots = 64
)

// TPMPolicy says which TPMs and boots are trusted; which binaries, the policy around it says.
type TPMPolicy struct {
	// Roots are the certificates of TPM makers, PEM.
	Roots string `json:"roots"`
	// Keys are the attestation keys that answered a challenge to their TPM's endorsement key.
	Keys []TPMKey `json:"keys"`
	// Boots are the states of the boot that are trusted: register to value in hex. A quote must show all
	// registers of one of them. None: ErrTPMBoot, unless UnmeasuredBoot.
	Boots []map[string]string `json:"boots,omitempty"`
	// UnmeasuredBoot takes quotes of whatever was booted. They prove nothing against whoever
	// administers the machine; for trials.
	UnmeasuredBoot bool `json:"unmeasuredBoot,omitempty"`
	// RequireRevocation refuses a certificate without a current list of its issuer in the quote.
	RequireRevocation bool `json:"requireRevocation,omitempty"`
	// Firmware is the lowest version of a TPM's firmware, as the TPM states it; zero: any.
	Firmware uint64 `json:"firmware,omitempty"`
}

// TPMKey is an attestation key and the TPM that it was found in.
type TPMKey struct {
	// Name is the key's name of TPM 2.0 Library part 1, 16: hash algorithm and digest, in hex.
	Name string `json:"name"`
	// Endorsement is the SHA-256 of the endorsement key (PKIX), in hex.
	Endorsement string `json:"endorsement"`
}

// Check refuses a policy that trusts no TPM or no boot, or cannot be read in one way. ErrPolicy.
func (p TPMPolicy) Check() error {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(p.Roots)) {
		return fmt.Errorf("%w: tpm: roots hold no certificate (PEM)", ErrPolicy)
	}
	if len(p.Keys) == 0 || len(p.Keys) > MaxTPMKeys || len(p.Boots) > MaxTPMBoots {
		return fmt.Errorf("%w: tpm: %d keys and %d boots, want 1 to %d keys and at most %d boots", ErrPolicy, len(p.Keys), len(p.Boots), MaxTPMKeys, MaxTPMBoots)
	}
	if (len(p.Boots) == 0) != p.UnmeasuredBoot {
		return fmt.Errorf("%w: tpm: name the boots that are trusted, or set unmeasuredBoot", ErrPolicy)
	}
	for _, k := range p.Keys {
		if !isHex(k.Name, 2+sha256.Size) || !isHex(k.Endorsement, sha256.Size) {
			return fmt.Errorf("%w: tpm: key %.80q of %.80q: want lower-case hex of %d and %d bytes", ErrPolicy, k.Name, k.Endorsement, 2+sha256.Size, sha256.Size)
		}
	}
	for _, boot := range p.Boots {
		if err := checkBootPolicy(boot); err != nil {
			return err
		}
	}
	return nil
}

func checkBootPolicy(boot map[string]string) error {
	if len(boot) == 0 || len(boot) > MaxTPMBootPCRs {
		return fmt.Errorf("%w: tpm: a boot of %d registers, want 1 to %d", ErrPolicy, len(boot), MaxTPMBootPCRs)
	}
	for pcr, value := range boot {
		n, err := strconv.ParseUint(pcr, 10, 8)
		if err != nil || n > 15 || strconv.FormatUint(n, 10) != pcr || !isHex(value, sha256.Size) {
			return fmt.Errorf("%w: tpm: boot register %.20q with %.80q: want a number from 0 to 15, and lower-case hex of %d bytes", ErrPolicy, pcr, value, sha256.Size)
		}
	}
	return nil
}

// isHex says whether text is so many bytes in lower-case hex.
func isHex(text string, size int) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == size && hex.EncodeToString(raw) == text
}
