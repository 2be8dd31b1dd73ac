package enclave

import (
	"errors"
	"fmt"

	"aval/domain/canon"
)

const (
	// MaxQuote bounds an encoded quote, MaxEvidence what the platform signed, MaxCollateral one
	// item of collateral (the largest known is a revocation list), all in bytes.
	MaxQuote      = 1 << 20
	MaxEvidence   = 256 << 10
	MaxCollateral = 256 << 10
	// MaxCollateralItems bounds their number.
	MaxCollateralItems = 16
	maxPlatformName    = 16
	maxCollateralName  = 32
)

// ErrQuote reports a quote that is not in the one encoding, or exceeds a limit.
var ErrQuote = errors.New("quote is malformed")

// Quote is a platform's statement, with everything that is needed to check it offline.
type Quote struct {
	// Platform chooses who checks it.
	Platform string `json:"platform"`
	// Evidence is what the platform gave, in the platform's own format.
	Evidence []byte `json:"evidence"`
	// Collateral vouches for the evidence, rising by name. Some platforms carry all in the evidence.
	Collateral []Collateral `json:"collateral"`
}

// Collateral is a certificate, a revocation list or a vendor's signed statement.
type Collateral struct {
	// Name is the platform's word for the item; docs/attestation.md lists them.
	Name string `json:"name"`
	// Data is in the vendor's format.
	Data []byte `json:"data"`
}

// Marshal is the one encoding: canonical CBOR. ErrQuote.
func (q Quote) Marshal() ([]byte, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	return canon.Marshal(q)
}

// ParseQuote reads what Marshal wrote, and nothing else. ErrQuote.
func ParseQuote(data []byte) (q Quote, err error) {
	if len(data) > MaxQuote {
		return q, fmt.Errorf("%w: %d bytes, limit %d", ErrQuote, len(data), MaxQuote)
	}
	if err := canon.Unmarshal(data, &q); err != nil {
		return q, fmt.Errorf("%w: %w", ErrQuote, err)
	}
	return q, q.Check()
}

// Check holds the quote against the limits, whatever it was read from. ErrQuote.
func (q Quote) Check() error {
	switch {
	case q.Platform == "" || len(q.Platform) > maxPlatformName:
		return fmt.Errorf("%w: platform name of %d bytes, limit %d", ErrQuote, len(q.Platform), maxPlatformName)
	case len(q.Evidence) == 0 || len(q.Evidence) > MaxEvidence:
		return fmt.Errorf("%w: evidence of %d bytes, limit %d", ErrQuote, len(q.Evidence), MaxEvidence)
	case len(q.Collateral) > MaxCollateralItems:
		return fmt.Errorf("%w: %d items of collateral, limit %d", ErrQuote, len(q.Collateral), MaxCollateralItems)
	}
	total := len(q.Evidence)
	for i, c := range q.Collateral {
		if c.Name == "" || len(c.Name) > maxCollateralName || i > 0 && q.Collateral[i-1].Name >= c.Name {
			return fmt.Errorf("%w: collateral %.32q: want short names, rising", ErrQuote, c.Name)
		}
		if len(c.Data) == 0 || len(c.Data) > MaxCollateral {
			return fmt.Errorf("%w: collateral %s of %d bytes, limit %d", ErrQuote, c.Name, len(c.Data), MaxCollateral)
		}
		total += len(c.Data)
	}
	if total > MaxQuote-MaxCollateralItems*(maxCollateralName+32) {
		return fmt.Errorf("%w: %d bytes in all, limit %d", ErrQuote, total, MaxQuote)
	}
	return nil
}

// find gives the item of that name, or nil.
func (q Quote) find(name string) []byte {
	for _, c := range q.Collateral {
		if c.Name == name {
			return c.Data
		}
	}
	return nil
}
