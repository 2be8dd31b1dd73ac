package enclave

import (
	"encoding/binary"
	"errors"
	"fmt"

	"aval/domain/canon"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/client"
)

const snpSealedVersion = 1

// ErrSNP reports that the machine is no SEV-SNP guest, or that its device refuses.
var ErrSNP = errors.New("no SEV-SNP")

// ErrSNPSealed reports a secret that another machine, guest, policy or firmware sealed, or that was changed.
var ErrSNPSealed = errors.New("sealed on another machine or by other code, or changed")

// snp is the guest that the process runs in.
type snp struct {
	dir    string // of collateral
	quotes client.LeveledQuoteProvider
	device func() (client.Device, error)
	// measurement is the launch digest, committed the TCB that no firmware of this machine goes below any more.
	measurement []byte
	committed   uint64
}

// OpenSNP uses the guest device or the kernel's configfs-tsm. Collateral that the host does not
// give is read from dir/collateral. ErrSNP.
func OpenSNP(dir string) (Platform, error) {
	quotes, err := client.GetLeveledQuoteProvider()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSNP, err)
	}
	return newSNP(dir, quotes, func() (client.Device, error) { return client.OpenDevice() })
}

func newSNP(dir string, quotes client.LeveledQuoteProvider, device func() (client.Device, error)) (Platform, error) {
	raw, err := quotes.GetRawQuoteAtLevel([64]byte{}, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSNP, err)
	}
	if len(raw) < abi.ReportSize {
		return nil, fmt.Errorf("%w: report of %d bytes", ErrSNP, len(raw))
	}
	r, err := parseSNP(raw[:abi.ReportSize])
	if err != nil {
		return nil, err
	}
	return &snp{dir, quotes, device, r.Measurement, r.CommittedTcb}, nil
}

// Name is "sev-snp".
func (*snp) Name() string { return SNPName }

// Measurement is the launch digest: firmware and, with kernel hashes, kernel, initrd and command line.
func (p *snp) Measurement() []byte { return p.measurement }

// Quote implements Platform: a report at privilege level 0, and the certificates that the host keeps.
func (p *snp) Quote(report [64]byte) (Quote, error) {
	raw, err := p.quotes.GetRawQuoteAtLevel(report, 0)
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w: %w", ErrSNP, err)
	}
	if len(raw) < abi.ReportSize {
		return Quote{}, fmt.Errorf("quote: %w: report of %d bytes", ErrSNP, len(raw))
	}
	a, err := abi.ReportCertsToProto(raw)
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w: %w", ErrSNP, err)
	}
	given := map[string][]byte{
		snpVCEK: a.CertificateChain.GetVcekCert(), snpVLEK: a.CertificateChain.GetVlekCert(), snpASK: a.CertificateChain.GetAskCert(),
	}
	items, err := readCollateral(p.dir, given, snpVCEK, snpVLEK, snpASK, snpASVK, snpCRL)
	return Quote{Platform: SNPName, Evidence: raw[:abi.ReportSize], Collateral: items}, err
}

// snpSealed names the TCB that its key was derived for: newer firmware derives it too, older does not.
type snpSealed struct {
	Version uint   `json:"v"`
	TCB     uint64 `json:"tcb"`
	Body    []byte `json:"body"`
}

// Seal implements Platform, under a key that the processor derives for this guest.
func (p *snp) Seal(purpose string, secret []byte) ([]byte, error) {
	aead, err := p.cipher(p.committed)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return canon.Marshal(snpSealed{snpSealedVersion, p.committed, aead.Seal(nil, nil, secret, snpBound(purpose, p.committed))})
}

// Unseal implements Platform. ErrSNPSealed.
func (p *snp) Unseal(purpose string, sealed []byte) ([]byte, error) {
	var s snpSealed
	if err := canon.Unmarshal(sealed, &s); err != nil || s.Version != snpSealedVersion {
		return nil, fmt.Errorf("unseal %s: %w", purpose, ErrSNPSealed)
	}
	aead, err := p.cipher(s.TCB)
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w: %w", purpose, ErrSNPSealed, err)
	}
	secret, err := aead.Open(nil, nil, s.Body, snpBound(purpose, s.TCB))
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", purpose, ErrSNPSealed)
	}
	return secret, nil
}

// snpBound is what a sealed body is bound to beside its key.
func snpBound(purpose string, tcb uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("aval snp seal 1\x00"+purpose+"\x00"), tcb)
}
