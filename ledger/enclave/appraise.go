package enclave

import (
	"fmt"
	"slices"
	"time"
)

// Appraisal is what a good quote says.
type Appraisal struct {
	Platform string `json:"platform"`
	// Measurement is that of the code, one that the policy trusts.
	Measurement []byte `json:"measurement"`
	// Simulated: nothing was proven.
	Simulated bool `json:"simulated"`
	// TCB is the state of firmware and microcode, in the platform's words. Empty: it has none.
	TCB string `json:"tcb,omitempty"`
	// Until is when the first item of the collateral ends (UTC). Zero: none does.
	Until time.Time `json:"until,omitzero"`
}

// Times says as of when each item of a quote's collateral is judged: vendors publish them at times of
// their own, and an auditor judges an old quote by what was valid then.
type Times struct {
	// At is for every item that Of does not name.
	At time.Time
	// Of is by name of the item, as in Collateral.
	Of map[string]time.Time
}

func (t Times) of(name string) time.Time {
	if at, own := t.Of[name]; own {
		return at
	}
	return t.At
}

// verifier checks everything of a quote but the list of platforms and the measurement. It holds the
// report to the evidence itself, for only it knows where the platform puts it.
type verifier func(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error)

// verifiers is the table of platforms.
var verifiers = map[string]verifier{
	SimulatedName: verifySimulated,
	SNPName:       verifySNP,
	TDXName:       verifyTDX,
	NitroName:     verifyNitro,
	TPMName:       verifyTPM,
}

// Appraise checks that the quote is genuine and current, was made for want, and is of a platform and of
// code that the policy trusts. It uses nothing but its arguments. ErrQuote, ErrPolicy, ErrPlatform,
// ErrSimulated, ErrReportData, ErrDebug, ErrTCB, ErrMeasurement, and those of the platform.
func Appraise(q Quote, p Policy, want ReportData, at time.Time) (Appraisal, error) {
	return AppraiseAt(q, p, want, Times{At: at})
}

// AppraiseAt is Appraise with a time for each item of the collateral.
func AppraiseAt(q Quote, p Policy, want ReportData, at Times) (Appraisal, error) {
	return appraise(verifiers, q, p, want.Sum(), at)
}

// appraise is AppraiseAt under a table whose roots a test may choose.
func appraise(table map[string]verifier, q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	if err := q.Check(); err != nil {
		return Appraisal{}, err
	}
	if err := p.Check(); err != nil {
		return Appraisal{}, err
	}
	if q.Platform == SimulatedName && !p.AllowSimulated {
		return Appraisal{}, ErrSimulated
	}
	if !slices.Contains(p.Platforms, q.Platform) {
		return Appraisal{}, fmt.Errorf("%w: %.32q", ErrPlatform, q.Platform)
	}
	a, err := table[q.Platform](q, p, report, at)
	if err != nil {
		return Appraisal{}, fmt.Errorf("appraise %s: %w", q.Platform, err)
	}
	if err := p.trusts(q.Platform, a.Measurement); err != nil {
		return Appraisal{}, err
	}
	a.Platform = q.Platform
	return a, nil
}
