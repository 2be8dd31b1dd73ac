package enclave

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/google/go-tdx-guest/client"
)

// tdxDevice is the guest driver's, which kernels before configfs-tsm offer.
const tdxDevice = "/dev/tdx_guest"

// ErrTDX reports that the machine is no TDX guest, or that its device refuses.
var ErrTDX = errors.New("no TDX")

// tdx is the trust domain that the process runs in.
type tdx struct {
	dir         string // of collateral
	quotes      client.QuoteProvider
	measurement []byte
}

// OpenTDX uses the kernel's configfs-tsm or the guest device. Collateral is read from dir/collateral. ErrTDX.
func OpenTDX(dir string) (Platform, error) {
	provider, err := client.GetQuoteProvider()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTDX, err)
	}
	return newTDX(dir, provider)
}

// tdxHere says whether the kernel offers to quote.
func tdxHere() bool {
	provider, err := client.GetQuoteProvider()
	if err == nil && provider.IsSupported() == nil {
		return true
	}
	_, err = os.Stat(tdxDevice)
	return err == nil
}

func newTDX(dir string, quotes client.QuoteProvider) (Platform, error) {
	p := &tdx{dir: dir, quotes: quotes}
	evidence, err := p.evidence([64]byte{})
	if err != nil {
		return nil, err
	}
	quote, err := parseTDX(evidence)
	if err != nil {
		return nil, err
	}
	p.measurement = tdxMeasurement(quote.TdQuoteBody)
	return p, nil
}

// Name is "tdx".
func (*tdx) Name() string { return TDXName }

// Measurement is the SHA-384 over MRTD and RTMR0 to RTMR3, as they were when the node started.
func (p *tdx) Measurement() []byte { return p.measurement }

// Quote implements Platform.
func (p *tdx) Quote(report [64]byte) (Quote, error) {
	evidence, err := p.evidence(report)
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w", err)
	}
	items, err := readCollateral(p.dir, nil, tdxTCBInfo, tdxTCBChain, tdxQEIdentity, tdxQEChain, tdxPCKCRL, tdxRootCRL)
	return Quote{Platform: TDXName, Evidence: evidence, Collateral: items}, err
}

// evidence is the quote without the rest of the buffer that some kernels give with it.
func (p *tdx) evidence(report [64]byte) ([]byte, error) {
	raw, err := client.GetRawQuote(p.quotes, report)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTDX, err)
	}
	const head = 48 + 584 + 4 // header, body of a trust domain, size of what follows: Intel TDX DCAP, quote format 4
	if len(raw) < head {
		return nil, fmt.Errorf("%w: quote of %d bytes", ErrTDX, len(raw))
	}
	size := head + uint64(binary.LittleEndian.Uint32(raw[head-4:]))
	if size > uint64(len(raw)) {
		return nil, fmt.Errorf("%w: quote of %d bytes in %d", ErrTDX, size, len(raw))
	}
	return raw[:size], nil
}

// Seal implements Platform. ErrNoSealing: a trust domain has no key that outlives it.
func (*tdx) Seal(string, []byte) ([]byte, error) { return nil, ErrNoSealing }

// Unseal implements Platform. ErrNoSealing.
func (*tdx) Unseal(string, []byte) ([]byte, error) { return nil, ErrNoSealing }
