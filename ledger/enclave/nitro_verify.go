package enclave

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"
)

// The names of the certificates of a Nitro document in Times: of the enclave, and of all above it.
const (
	nitroCertificate = "certificate"
	nitroBundle      = "cabundle"
)

// awsRoot is the SHA-256 of the certificate "aws.nitro-enclaves" of 2019-10-28, Root G1.
const awsRoot = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"

// nitroVerifier checks documents under the root with that SHA-256, in hex.
type nitroVerifier struct{ root string }

func verifyNitro(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	return nitroVerifier{awsRoot}.verify(q, p, report, at)
}

// verify looks at no revocation list: AWS tells verifiers not to ask for one. The certificates of instance and
// enclave end after a day and after three hours instead.
func (v nitroVerifier) verify(q Quote, _ Policy, report [64]byte, at Times) (Appraisal, error) {
	if err := q.only(); err != nil {
		return Appraisal{}, err
	}
	signed, doc, err := parseNitro(q.Evidence)
	if err != nil {
		return Appraisal{}, err
	}
	dates := &validity{at: at}
	leaf, err := v.chain(doc, dates)
	if err != nil {
		return Appraisal{}, err
	}
	if err := signed.check(leaf); err != nil {
		return Appraisal{}, err
	}
	if made := time.UnixMilli(doc.Timestamp); made.Before(leaf.NotBefore) || made.After(leaf.NotAfter) {
		return Appraisal{}, fmt.Errorf("%w: made at %s, outside of its certificate's time", ErrExpired, made.UTC().Format(time.RFC3339))
	}
	a := Appraisal{Measurement: doc.PCRs[0], Until: dates.until}
	switch {
	case string(doc.UserData) != string(report[:]):
		return a, ErrReportData
	case doc.debug():
		return a, ErrDebug
	}
	return a, nil
}

// chain verifies the certificates of the document up to the pinned root. ErrEvidence, ErrChain, ErrExpired.
func (v nitroVerifier) chain(doc nitroDocument, dates *validity) (*x509.Certificate, error) {
	var certs []*x509.Certificate
	for _, der := range append(doc.CABundle[:len(doc.CABundle):len(doc.CABundle)], doc.Certificate) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", ErrEvidence, err)
		}
		certs = append(certs, c)
	}
	if got := sha256.Sum256(certs[0].Raw); fmt.Sprintf("%x", got) != v.root {
		return nil, fmt.Errorf("%w: root %x", ErrChain, got)
	}
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	options.Roots.AddCert(certs[0])
	last := len(certs) - 1
	for i, c := range certs {
		if i > 0 {
			if err := c.CheckSignatureFrom(certs[i-1]); err != nil {
				return nil, fmt.Errorf("%w: certificate %d: %w", ErrChain, i, err)
			}
		}
		name := nitroBundle
		if i == last {
			name = nitroCertificate
		} else {
			options.Intermediates.AddCert(c)
		}
		if err := dates.addCertificate(name, c); err != nil {
			return nil, err
		}
	}
	var err error
	if options.CurrentTime, err = dates.common(); err != nil {
		return nil, err
	}
	if _, err := certs[last].Verify(options); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	return certs[last], nil
}

// check verifies ES384 over the Sig_structure: RFC 9052, 4.4; RFC 9053, 2.1. ErrSignature.
func (s nitroSigned) check(leaf *x509.Certificate) error {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve.Params().BitSize != 384 {
		return fmt.Errorf("%w: want a key on P-384", ErrSignature)
	}
	toSign, err := s.toSign()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	digest := sha512.Sum384(toSign)
	const half = 48
	if !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(s.Signature[:half]), new(big.Int).SetBytes(s.Signature[half:])) {
		return ErrSignature
	}
	return nil
}
