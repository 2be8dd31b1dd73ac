// Package enclave keeps a node's secrets and proves what runs. A Platform seals secrets to
// the code that may use them, and quotes: it states, in a way that others can check, which code holds
// which keys. Appraise checks such a quote offline, against one policy.
package enclave

import "errors"

// The words for the platforms in quotes, policies, receipts, logs and governance records.
const (
	SNPName       = "sev-snp"
	TDXName       = "tdx"
	NitroName     = "nitro"
	SimulatedName = "simulated"
)

// Platform is what a node runs on. It is safe for concurrent use.
type Platform interface {
	// Name is one of the words above, or TPMName.
	Name() string
	// Measurement is what the platform measured of the code that runs, as policies and
	// governance list it (in hex there).
	Measurement() []byte
	// Quote states that the measured code holds what report stands for: ReportData.Sum. It carries the
	// collateral that the platform can give; the node adds what it must fetch.
	Quote(report [64]byte) (Quote, error)
	// Seal binds a secret to the platform, the measured code and a purpose. ErrNoSealing.
	Seal(purpose string, secret []byte) ([]byte, error)
	// Unseal gives it back to the same code, on the same platform, for the same purpose, and
	// fails otherwise. ErrNoSealing.
	Unseal(purpose string, sealed []byte) ([]byte, error)
}

// ErrNoSealing reports a platform that has no key of its own for the code it measured.
var ErrNoSealing = errors.New("this platform cannot seal: obtain the keys from an attested peer or from recovery shares")
