package enclave

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrTPMChain reports a TPM whose certificate does not lead to a root of the policy at the given
// time, or is revoked.
var ErrTPMChain = errors.New("tpm certificate is not trusted")

// The object identifiers of what only an endorsement certificate has: TCG EK credential profile 3.5.15, RFC 5280 4.2.1.6.
var (
	ekUsage        = asn1.ObjectIdentifier{2, 23, 133, 8, 1}
	subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// The items of a TPM's collateral, as Times names them.
const (
	TPMCertificates = "certificates"
	TPMRevocations  = "revocations"
)

// checkChain verifies the first certificate up to a root, and against the revocation lists. It
// gives the certificate, and when the first of all ends.
func (e tpmEvidence) checkChain(roots *x509.CertPool, needCRL bool, at Times) (*x509.Certificate, time.Time, error) {
	certificates, err := parseCertificates(e.Endorsement)
	if err != nil {
		return nil, time.Time{}, err
	}
	leaf := certificates[0]
	between := x509.NewCertPool()
	for _, c := range certificates[1:] {
		between.AddCert(c)
	}
	// The TPM's maker stands in a directory name inside of this extension, and it is critical
	// because the subject is empty. Nothing is decided by it here.
	leaf.UnhandledCriticalExtensions = slices.DeleteFunc(leaf.UnhandledCriticalExtensions, subjectAltName.Equal)
	if !slices.ContainsFunc(leaf.UnknownExtKeyUsage, ekUsage.Equal) {
		return nil, time.Time{}, fmt.Errorf("%w: not a certificate of an endorsement key", ErrTPMChain)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at.of(TPMCertificates), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%w: %w", ErrTPMChain, err)
	}
	lists, err := parseRevocations(e.Revoked)
	if err != nil {
		return nil, time.Time{}, err
	}
	return leaf, firstEnd(chains[0], lists), checkRevoked(chains[0], lists, needCRL, at.of(TPMRevocations))
}

func firstEnd(chain []*x509.Certificate, lists []*x509.RevocationList) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	for _, l := range lists {
		if !l.NextUpdate.IsZero() && l.NextUpdate.Before(end) {
			end = l.NextUpdate
		}
	}
	return end.UTC()
}

func parseCertificates(der [][]byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, d := range der {
		c, err := x509.ParseCertificate(d)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTPMChain, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func parseRevocations(der [][]byte) ([]*x509.RevocationList, error) {
	var all []*x509.RevocationList
	for _, d := range der {
		list, err := x509.ParseRevocationList(d)
		if err != nil {
			return nil, fmt.Errorf("%w: revocation list: %w", ErrTPMChain, err)
		}
		all = append(all, list)
	}
	return all, nil
}

// checkRevoked looks every certificate of a chain but the root up in its issuer's list. Where there
// is no list that counts at the time, need decides.
func checkRevoked(chain []*x509.Certificate, lists []*x509.RevocationList, need bool, at time.Time) error {
	for i, c := range chain[:len(chain)-1] {
		known := false
		for _, list := range lists {
			if !counts(list, chain[i+1], at) {
				continue
			}
			known = true
			if slices.ContainsFunc(list.RevokedCertificateEntries, func(r x509.RevocationListEntry) bool {
				return r.SerialNumber.Cmp(c.SerialNumber) == 0
			}) {
				return fmt.Errorf("%w: revoked by %s", ErrTPMChain, chain[i+1].Subject)
			}
		}
		if !known && need {
			return fmt.Errorf("%w: no revocation list of %s for this time", ErrTPMChain, chain[i+1].Subject)
		}
	}
	return nil
}

// counts says whether a list is the issuer's and of this time.
func counts(list *x509.RevocationList, issuer *x509.Certificate, at time.Time) bool {
	return bytes.Equal(list.RawIssuer, issuer.RawSubject) && list.CheckSignatureFrom(issuer) == nil &&
		!at.Before(list.ThisUpdate) && (list.NextUpdate.IsZero() || !at.After(list.NextUpdate))
}

// endorsementID is what policies call a TPM: the SHA-256 of its endorsement key, as PKIX.
func endorsementID(c *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(c.RawSubjectPublicKeyInfo)
}
