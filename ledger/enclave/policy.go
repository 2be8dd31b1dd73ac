package enclave

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"aval/domain/canon"
)

const (
	// MaxPolicy bounds a policy's text in bytes, MaxMeasurements the values for one platform.
	MaxPolicy       = 1 << 20
	MaxMeasurements = 64
)

// Why a policy refuses a quote that is otherwise good.
var (
	// ErrPolicy: the policy itself is malformed, or names no platform.
	ErrPolicy = errors.New("attestation policy is malformed")
	// ErrPlatform: the quote is of a platform that the policy does not list.
	ErrPlatform = errors.New("platform is not trusted by the policy")
	// ErrSimulated: the quote is simulated, and the policy does not allow that.
	ErrSimulated = errors.New("quote is SIMULATED: it proves nothing, and the policy forbids it")
	// ErrMeasurement: other code than the policy trusts.
	ErrMeasurement = errors.New("measurement is not trusted by the policy")
	// ErrReportData: made for other keys, another ledger or another challenge.
	ErrReportData = errors.New("quote is about other keys, another ledger or an older nonce")
	// ErrDebug: whoever runs the machine can read the memory of what was measured. No policy allows it.
	ErrDebug = errors.New("platform is in debug mode")
	// ErrTCB: firmware or microcode is older than the policy's floor, or than its vendor still vouches for.
	ErrTCB = errors.New("platform's TCB is too old")
)

// Policy says which platforms, in what state, running which code, are trusted. Debug mode is
// always refused.
type Policy struct {
	// Platforms lists those that are trusted. What is not here is refused.
	Platforms []string `json:"platforms"`
	// Measurements are the trusted values of each platform, in lower-case hex.
	Measurements map[string][]string `json:"measurements,omitempty"`
	// AllowSimulated takes simulated quotes, which prove nothing. With no measurement for
	// "simulated" it takes any.
	AllowSimulated bool `json:"allowSimulated,omitempty"`
	// SNP has the floor under the TCB. A policy that lists "sev-snp" needs it.
	SNP *SNPPolicy `json:"sev-snp,omitempty"`
	// TDX has the floor under module and statements. A policy that lists "tdx" needs it.
	TDX *TDXPolicy `json:"tdx,omitempty"`
	// TPM says which TPMs and boots are trusted. A policy that lists "tpm" needs it.
	TPM *TPMPolicy `json:"tpm,omitempty"`
}

// ParsePolicy reads a policy's JSON, and refuses unknown keys. ErrPolicy.
func ParsePolicy(text []byte) (p Policy, err error) {
	if len(text) > MaxPolicy {
		return p, fmt.Errorf("%w: %d bytes, limit %d", ErrPolicy, len(text), MaxPolicy)
	}
	if err := canon.DecodeJSON(text, &p); err != nil {
		return p, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return p, p.Check()
}

// Check refuses a policy that trusts nothing or cannot be read in one way. ErrPolicy.
func (p Policy) Check() error {
	if len(p.Platforms) == 0 {
		return fmt.Errorf("%w: it lists no platform", ErrPolicy)
	}
	for i, name := range p.Platforms {
		if _, known := verifiers[name]; !known || slices.Contains(p.Platforms[:i], name) {
			return fmt.Errorf("%w: platform %.32q is unknown or listed twice", ErrPolicy, name)
		}
		if name != SimulatedName && len(p.Measurements[name]) == 0 {
			return fmt.Errorf("%w: no measurement for %s", ErrPolicy, name)
		}
	}
	if slices.Contains(p.Platforms, SimulatedName) != p.AllowSimulated {
		return fmt.Errorf("%w: to trust %q, list it and set allowSimulated", ErrPolicy, SimulatedName)
	}
	if slices.Contains(p.Platforms, SNPName) != (p.SNP != nil) {
		return fmt.Errorf("%w: to trust %q, list it and give its floor under \"sev-snp\"", ErrPolicy, SNPName)
	}
	if slices.Contains(p.Platforms, TDXName) != (p.TDX != nil) {
		return fmt.Errorf("%w: to trust %q, list it and give its floor under \"tdx\"", ErrPolicy, TDXName)
	}
	if slices.Contains(p.Platforms, TPMName) != (p.TPM != nil) {
		return fmt.Errorf("%w: to trust %q, list it and say which under \"tpm\"", ErrPolicy, TPMName)
	}
	if p.TPM != nil {
		if err := p.TPM.Check(); err != nil {
			return err
		}
	}
	return p.checkMeasurements()
}

func (p Policy) checkMeasurements() error {
	for name, values := range p.Measurements {
		if !slices.Contains(p.Platforms, name) {
			return fmt.Errorf("%w: measurements for %.32q, which is not listed", ErrPolicy, name)
		}
		if len(values) > MaxMeasurements {
			return fmt.Errorf("%w: %d measurements for %s, limit %d", ErrPolicy, len(values), name, MaxMeasurements)
		}
		for _, v := range values {
			if raw, err := hex.DecodeString(v); err != nil || len(raw) < 32 || hex.EncodeToString(raw) != v {
				return fmt.Errorf("%w: measurement %.100q of %s: want lower-case hex", ErrPolicy, v, name)
			}
		}
	}
	return nil
}

// trusts says whether the code is trusted. ErrMeasurement.
func (p Policy) trusts(platform string, measurement []byte) error {
	values := p.Measurements[platform]
	if platform == SimulatedName && len(values) == 0 || slices.Contains(values, hex.EncodeToString(measurement)) {
		return nil
	}
	return fmt.Errorf("%w: %s %x", ErrMeasurement, platform, measurement)
}
