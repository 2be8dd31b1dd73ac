package enclave

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/kds"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

// SNPPolicy is what a policy that lists "sev-snp" says beside the measurements.
type SNPPolicy struct {
	// MinTCB is the floor under each part of the TCB that the processor reports.
	MinTCB SNPTCB `json:"minTCB"`
}

// SNPTCB are security version numbers of an AMD processor of the lines Milan and Genoa: AMD 56860, TCB_VERSION.
type SNPTCB struct {
	Bootloader uint8 `json:"bootloader"`
	TEE        uint8 `json:"tee"`
	SNP        uint8 `json:"snp"`
	Microcode  uint8 `json:"microcode"`
}

// The items of collateral of SEV-SNP. The certificate of the signing key is of the chip (VCEK), or of a
// cloud (VLEK); its authority's is ASK or ASVK, and the former need not travel. AMD's roots (ARK) never do.
const (
	snpVCEK = "vcek"
	snpVLEK = "vlek"
	snpASK  = "ask"
	snpASVK = "asvk"
	snpCRL  = "crl"
)

// snpVerifier checks evidence under AMD's roots.
type snpVerifier struct {
	roots func(line string) (*trust.ProductCerts, error)
}

// amdRoots are those that the library pins.
func amdRoots(line string) (*trust.ProductCerts, error) {
	r, err := trust.GetDefaultRootCerts(line)
	if err != nil {
		return nil, err
	}
	return r.ProductCerts, nil
}

func verifySNP(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	return snpVerifier{amdRoots}.verify(q, p, report, at)
}

func (v snpVerifier) verify(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	if err := q.only(snpVCEK, snpVLEK, snpASK, snpASVK, snpCRL); err != nil {
		return Appraisal{}, err
	}
	r, err := parseSNP(q.Evidence)
	if err != nil {
		return Appraisal{}, err
	}
	chain, err := v.chain(q, r)
	if err != nil {
		return Appraisal{}, err
	}
	dates := validity{at: at}
	if err := chain.check(q, r, &dates); err != nil {
		return Appraisal{}, err
	}
	tcb := kds.DecomposeTCBVersion(kds.TCBVersion(r.ReportedTcb))
	return Appraisal{Measurement: r.Measurement, TCB: snpText(tcb), Until: dates.until}, checkSNPPolicy(r, tcb, p.SNP, report)
}

// parseSNP reads a report of exactly one size. ErrEvidence.
func parseSNP(evidence []byte) (*spb.Report, error) {
	if len(evidence) != abi.ReportSize {
		return nil, fmt.Errorf("%w: %d bytes, a report has %d", ErrEvidence, len(evidence), abi.ReportSize)
	}
	if err := abi.ValidateReportFormat(evidence); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	r, err := abi.ReportToProto(evidence)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	return r, nil
}

// snpChain is what vouches for a report's signature.
type snpChain struct {
	signer  abi.ReportSigner
	line    string
	name    string // of the leaf among the items, as of authority
	issued  string
	leaf    *x509.Certificate
	claims  *kds.Extensions
	product *trust.ProductCerts
}

// authority is the certificate between the leaf and AMD's root.
func (c snpChain) authority() *x509.Certificate {
	if c.signer == abi.VlekReportSigner {
		return c.product.Asvk
	}
	return c.product.Ask
}

// chain finds the certificates for a report. ErrEvidence, ErrCollateral.
func (v snpVerifier) chain(q Quote, r *spb.Report) (c snpChain, err error) {
	info, err := abi.ParseSignerInfo(r.SignerInfo)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	switch c.signer = info.SigningKey; c.signer {
	case abi.VcekReportSigner:
		c.name, c.issued = snpVCEK, snpASK
	case abi.VlekReportSigner:
		c.name, c.issued = snpVLEK, snpASVK
	default:
		return c, fmt.Errorf("%w: signed by no key of the processor", ErrEvidence)
	}
	if c.leaf, err = q.certificate(c.name); err != nil {
		return c, err
	}
	if c.claims, err = kds.CertificateExtensions(c.leaf, c.signer); err != nil {
		return c, fmt.Errorf("%w: %s: %w", ErrCollateral, c.name, err)
	}
	if c.line, err = snpLine(r, c.claims, c.signer); err != nil {
		return c, err
	}
	pinned, err := v.roots(c.line)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrChain, err)
	}
	c.product = &trust.ProductCerts{Ark: pinned.Ark, Ask: pinned.Ask, Asvk: pinned.Asvk}
	return c, c.readAuthority(q)
}

// readAuthority takes the authority's certificate from the quote. Without one the pinned one counts.
func (c snpChain) readAuthority(q Quote) error {
	if c.authority() != nil && q.find(c.issued) == nil {
		return nil
	}
	cert, err := q.certificate(c.issued)
	if err != nil {
		return err
	}
	if c.signer == abi.VlekReportSigner {
		c.product.Asvk = cert
	} else {
		c.product.Ask = cert
	}
	return nil
}

// snpLine names the processor's line: a report states it from version 3 on, before that the
// certificate does. Turin numbers its TCB otherwise, and the library does not read its certificates yet.
func snpLine(r *spb.Report, claims *kds.Extensions, signer abi.ReportSigner) (string, error) {
	line := kds.ProductLineFromFms(r.Cpuid1EaxFms)
	if r.Cpuid1EaxFms == 0 {
		product, err := kds.ParseProductName(claims.ProductName, signer)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrCollateral, err)
		}
		line = kds.ProductLine(product)
	}
	if line != "Milan" && line != "Genoa" {
		return "", fmt.Errorf("%w: processors of line %.32q are not supported", ErrEvidence, line)
	}
	return line, nil
}

// check verifies the chain, the revocation list, and the report's signature. ErrExpired, ErrChain,
// ErrRevoked, ErrSignature, ErrCollateral.
func (c snpChain) check(q Quote, r *spb.Report, dates *validity) error {
	list, err := q.list(snpCRL)
	if err != nil {
		return err
	}
	if err := c.checkChain(dates); err != nil {
		return err
	}
	if err := checkListed(list, c.product.Ark, c.authority(), c.leaf); err != nil {
		return err
	}
	if err := dates.addList(snpCRL, list); err != nil {
		return err
	}
	if _, err := dates.common(); err != nil {
		return err
	}
	return c.checkReport(q.Evidence, r, dates)
}

// checkChain judges the dates of the certificates, and that they lead to the root. ErrExpired, ErrChain.
func (c snpChain) checkChain(dates *validity) error {
	err := errors.Join(dates.addCertificate("ark", c.product.Ark), dates.addCertificate(c.issued, c.authority()), dates.addCertificate(c.name, c.leaf))
	if err != nil {
		return err
	}
	now, err := dates.common()
	if err != nil {
		return err
	}
	if err := c.authority().CheckSignatureFrom(c.product.Ark); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrChain, c.issued, err)
	}
	if _, err := c.leaf.Verify(*c.product.X509Options(now, c.signer)); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrChain, c.name, err)
	}
	return nil
}

// checkReport verifies the signature, that the certificate is of this chip and this TCB, and
// with the library everything once more that AMD demands of certificates. ErrSignature, ErrCollateral, ErrChain.
func (c snpChain) checkReport(evidence []byte, r *spb.Report, dates *validity) error {
	if err := verify.SnpReportSignature(evidence, c.leaf); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if c.claims.TCBVersion != kds.TCBVersion(r.ReportedTcb) {
		return fmt.Errorf("%w: %s is for another TCB than the report's", ErrCollateral, c.name)
	}
	if c.signer == abi.VcekReportSigner && string(c.claims.HWID) != string(r.ChipId) {
		return fmt.Errorf("%w: %s is for another chip than the report's", ErrCollateral, c.name)
	}
	now, err := dates.common()
	if err != nil {
		return err
	}
	root := trust.AMDRootCertsProduct(c.line)
	root.ProductCerts = c.product
	attestation := &spb.Attestation{Report: r, CertificateChain: &spb.CertificateChain{VcekCert: c.leaf.Raw, VlekCert: c.leaf.Raw}}
	err = verify.SnpAttestation(attestation, &verify.Options{
		DisableCertFetching: true, Now: now, TrustedRoots: map[string][]*trust.AMDRootCerts{c.line: {root}},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChain, err)
	}
	return nil
}

// checkSNPPolicy is about the machine, once the report is known to be the processor's.
// ErrReportData, ErrDebug, ErrGuestPolicy, ErrTCB.
func checkSNPPolicy(r *spb.Report, tcb kds.TCBParts, p *SNPPolicy, report [64]byte) error {
	if string(r.ReportData) != string(report[:]) {
		return ErrReportData
	}
	guest, err := abi.ParseSnpPolicy(r.Policy)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	case guest.Debug:
		return ErrDebug
	case guest.MigrateMA:
		return ErrGuestPolicy
	case r.Vmpl != 0:
		// Only the level that holds all of the machine speaks for what was measured.
		return fmt.Errorf("%w: asked for at privilege level %d, want 0", ErrEvidence, r.Vmpl)
	}
	floor := kds.TCBParts{BlSpl: p.MinTCB.Bootloader, TeeSpl: p.MinTCB.TEE, SnpSpl: p.MinTCB.SNP, UcodeSpl: p.MinTCB.Microcode}
	if !kds.TCBPartsLE(floor, tcb) {
		return fmt.Errorf("%w: %s, want %s", ErrTCB, snpText(tcb), snpText(floor))
	}
	return nil
}

func snpText(t kds.TCBParts) string {
	return fmt.Sprintf("bootloader %d, tee %d, snp %d, microcode %d", t.BlSpl, t.TeeSpl, t.SnpSpl, t.UcodeSpl)
}
