package enclave

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-tdx-guest/abi"
	tpb "github.com/google/go-tdx-guest/proto/tdx"
	"github.com/google/go-tdx-guest/verify"
)

// TDXPolicy is what a policy that lists "tdx" says beside the measurements. Intel's own statement
// must call the machine up to date in any case.
type TDXPolicy struct {
	// MinModule is the floor under the security version of the TDX module: byte 0 of TEE_TCB_SVN.
	MinModule uint8 `json:"minModule"`
	// MinEvaluation is the lowest tcbEvaluationDataNumber of Intel's statements: after a recovery
	// event, an earlier one that has not expired would still call an older machine up to date.
	MinEvaluation int `json:"minEvaluation"`
}

// The items of collateral of TDX: answers of Intel's Provisioning Certification Service, version 4. The
// certificates of the machine itself are in the evidence.
const (
	tdxTCBInfo    = "tcb-info"
	tdxTCBChain   = "tcb-info-chain"
	tdxQEIdentity = "qe-identity"
	tdxQEChain    = "qe-identity-chain"
	tdxPCKCRL     = "pck-crl"
	tdxRootCRL    = "root-crl"
	// tdxPCK, tdxPlatformCA and tdxRoot are the names of the evidence's certificates in Times.
	tdxPCK        = "pck"
	tdxPlatformCA = "pck-ca"
	tdxRoot       = "root"
)

// intelRoot is the SHA-256 of the certificate "Intel SGX Root CA" of 2018-05-21.
const intelRoot = "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"

// tdxVerifier checks evidence under the root with that SHA-256, in hex.
type tdxVerifier struct{ root string }

func verifyTDX(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	return tdxVerifier{intelRoot}.verify(q, p, report, at)
}

func (v tdxVerifier) verify(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	if err := q.only(tdxTCBInfo, tdxTCBChain, tdxQEIdentity, tdxQEChain, tdxPCKCRL, tdxRootCRL); err != nil {
		return Appraisal{}, err
	}
	quote, err := parseTDX(q.Evidence)
	if err != nil {
		return Appraisal{}, err
	}
	dates := &validity{at: at}
	machine, err := v.machine(quote, dates)
	if err != nil {
		return Appraisal{}, err
	}
	collateral, err := machine.readCollateral(q, dates)
	if err != nil {
		return Appraisal{}, err
	}
	if err := machine.check(q.Evidence, collateral, dates); err != nil {
		return Appraisal{}, err
	}
	body, evaluation := quote.TdQuoteBody, min(collateral.tcb.TcbEvaluationDataNumber, collateral.qe.TcbEvaluationDataNumber)
	a := Appraisal{Measurement: tdxMeasurement(body), TCB: tdxText(body.TeeTcbSvn[0], evaluation), Until: dates.until}
	return a, checkTDXPolicy(body, evaluation, p.TDX, report)
}

// tdxMeasurement is SHA-384 over the digest of the initial machine and of everything that firmware, boot
// loader and kernel measured after it: MRTD, RTMR0 to RTMR3.
func tdxMeasurement(body *tpb.TDQuoteBody) []byte {
	h := sha512.New384()
	h.Write(body.MrTd)
	for _, r := range body.Rtmrs {
		h.Write(r)
	}
	return h.Sum(nil)
}

func tdxText(module uint8, evaluation int) string {
	return fmt.Sprintf("module %d, up to date as of evaluation %d", module, evaluation)
}

// checkTDXPolicy is about the machine, once the quote is known to be the processor's.
// ErrReportData, ErrDebug, ErrGuestPolicy, ErrTCB.
func checkTDXPolicy(body *tpb.TDQuoteBody, evaluation int, p *TDXPolicy, report [64]byte) error {
	const migratable = 1 << 5 // bit 29 of TDATTRIBUTES: Intel TDX Module ABI, 2
	switch {
	case !bytes.Equal(body.ReportData, report[:]):
		return ErrReportData
	case body.TdAttributes[0] != 0: // the group TUD: debugging, and what is reserved for the like
		return ErrDebug
	case body.TdAttributes[3]&migratable != 0:
		return ErrGuestPolicy
	case body.TeeTcbSvn[0] < p.MinModule || evaluation < p.MinEvaluation:
		return fmt.Errorf("%w: %s, want %s", ErrTCB, tdxText(body.TeeTcbSvn[0], evaluation), tdxText(p.MinModule, p.MinEvaluation))
	}
	return nil
}

// readTDX turns into an error the panic with which v0.3.1 of the library meets a quote that says
// a part of it is longer than it is.
func readTDX(evidence []byte) (parsed any, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a part of the quote is shorter than it says")
		}
	}()
	return abi.QuoteToProto(slices.Clip(evidence))
}

// parseTDX reads a quote of version 4 that has one encoding, and no bytes after it. ErrEvidence.
func parseTDX(evidence []byte) (*tpb.QuoteV4, error) {
	parsed, err := readTDX(evidence)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	quote, ok := parsed.(*tpb.QuoteV4)
	if !ok {
		return nil, fmt.Errorf("%w: want a quote of version 4", ErrEvidence)
	}
	if len(quote.ExtraBytes) > 0 {
		return nil, fmt.Errorf("%w: %d bytes after the quote", ErrEvidence, len(quote.ExtraBytes))
	}
	again, err := abi.QuoteToAbiBytes(quote)
	if err != nil || !bytes.Equal(again, evidence) {
		return nil, fmt.Errorf("%w: bytes that do not belong", ErrEvidence)
	}
	return quote, nil
}

// tdxMachine are the certificates of the processor that quoted.
type tdxMachine struct {
	pck, ca, root *x509.Certificate
	pool          *x509.CertPool
}

// machine reads the chain in the evidence, up to the pinned root. ErrEvidence, ErrExpired, ErrChain.
func (v tdxVerifier) machine(quote *tpb.QuoteV4, dates *validity) (m tdxMachine, err error) {
	text := quote.GetSignedData().GetCertificationData().GetQeReportCertificationData().GetPckCertificateChainData().GetPckCertChain()
	certs, err := parseChain(bytes.TrimSuffix(text, []byte{0}))
	if err != nil || len(certs) != 3 {
		return m, fmt.Errorf("%w: chain of %d certificates: %v", ErrEvidence, len(certs), err)
	}
	m = tdxMachine{pck: certs[0], ca: certs[1], root: certs[2], pool: x509.NewCertPool()}
	if got := sha256.Sum256(m.root.Raw); fmt.Sprintf("%x", got) != v.root {
		return m, fmt.Errorf("%w: root %x", ErrChain, got)
	}
	m.pool.AddCert(m.root)
	if err := m.ca.CheckSignatureFrom(m.root); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrChain, tdxPlatformCA, err)
	}
	if err := m.pck.CheckSignatureFrom(m.ca); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrChain, tdxPCK, err)
	}
	for i, name := range []string{tdxPCK, tdxPlatformCA, tdxRoot} {
		if err := dates.addCertificate(name, certs[i]); err != nil {
			return m, err
		}
	}
	return m, nil
}

// parseChain reads certificates in PEM that are written in the one usual way.
func parseChain(text []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	var again []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs, again = append(certs, c), append(again, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	if !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), bytes.TrimSuffix(text, []byte("\n"))) {
		return nil, fmt.Errorf("text that does not belong between %d certificates", len(certs))
	}
	return certs, nil
}

// check lets the library verify twice: without collateral what the processor signed, then
// with it what Intel says of such a processor. ErrSignature, ErrTCB.
func (m tdxMachine) check(evidence []byte, c tdxCollateral, dates *validity) error {
	now, err := dates.common()
	if err != nil {
		return err
	}
	if err := verify.RawTdxQuote(evidence, &verify.Options{Now: now, TrustedRoots: m.pool}); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	err = verify.RawTdxQuote(evidence, &verify.Options{
		Now: now, TrustedRoots: m.pool, GetCollateral: true, CheckRevocations: true, Getter: c,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTCB, err)
	}
	return nil
}
