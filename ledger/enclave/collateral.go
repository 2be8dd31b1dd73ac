package enclave

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What is wrong with a quote, on every platform but the TPM, which has errors of its own.
var (
	// ErrEvidence: not in the platform's format, or with bytes that do not belong.
	ErrEvidence = errors.New("evidence is malformed")
	// ErrSignature: the evidence was changed, or signed by another key than the certificate's.
	ErrSignature = errors.New("signature over the evidence is wrong")
	// ErrCollateral: an item is missing or malformed, or is about another machine.
	ErrCollateral = errors.New("collateral is missing or malformed")
	// ErrChain: a certificate or a vendor's statement does not lead to the vendor's root.
	ErrChain = errors.New("collateral does not lead to the vendor's root")
	// ErrExpired: an item is not valid at the time it is judged at, or no two items were ever valid together.
	ErrExpired = errors.New("collateral is not valid at that time")
	// ErrRevoked: the vendor took a certificate back.
	ErrRevoked = errors.New("certificate is revoked")
	// ErrGuestPolicy: the machine was started so that its memory may be moved to another one.
	ErrGuestPolicy = errors.New("machine may be migrated")
)

// validity collects when the items of a quote's collateral are valid, each judged at its own time.
type validity struct {
	at          Times
	from, until time.Time
}

// add judges one item. ErrExpired.
func (v *validity) add(name string, from, until time.Time) error {
	at := v.at.of(name)
	if until.IsZero() || at.Before(from) || at.After(until) {
		return fmt.Errorf("%w: %s is valid from %s until %s", ErrExpired, name, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
	}
	if v.from.Before(from) {
		v.from = from
	}
	if v.until.IsZero() || until.Before(v.until) {
		v.until = until
	}
	return nil
}

func (v *validity) addCertificate(name string, c *x509.Certificate) error {
	return v.add(name, c.NotBefore, c.NotAfter)
}

func (v *validity) addList(name string, l *x509.RevocationList) error {
	return v.add(name, l.ThisUpdate, l.NextUpdate)
}

// common is a moment at which all items are valid, for libraries that know one time only. Each
// item has been judged at its own by then. ErrExpired.
func (v *validity) common() (time.Time, error) {
	if v.from.After(v.until) {
		return time.Time{}, fmt.Errorf("%w: one item began after another one ended", ErrExpired)
	}
	return v.from, nil
}

// certificate parses an item. ErrCollateral.
func (q Quote) certificate(name string) (*x509.Certificate, error) {
	data := q.find(name)
	if data == nil {
		return nil, fmt.Errorf("%w: no %s", ErrCollateral, name)
	}
	c, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCollateral, name, err)
	}
	return c, nil
}

// list parses a revocation list. ErrCollateral.
func (q Quote) list(name string) (*x509.RevocationList, error) {
	data := q.find(name)
	if data == nil {
		return nil, fmt.Errorf("%w: no %s", ErrCollateral, name)
	}
	l, err := x509.ParseRevocationList(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCollateral, name, err)
	}
	return l, nil
}

// only refuses items that the platform does not know. ErrCollateral.
func (q Quote) only(names ...string) error {
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	for _, c := range q.Collateral {
		if !known[c.Name] {
			return fmt.Errorf("%w: %s has no item %.32q", ErrCollateral, q.Platform, c.Name)
		}
	}
	return nil
}

// checkListed refuses certificates that a list of their issuer names. ErrChain, ErrRevoked.
func checkListed(l *x509.RevocationList, issuer *x509.Certificate, certs ...*x509.Certificate) error {
	if err := l.CheckSignatureFrom(issuer); err != nil {
		return fmt.Errorf("%w: revocation list: %w", ErrChain, err)
	}
	for _, entry := range l.RevokedCertificateEntries {
		for _, c := range certs {
			if entry.SerialNumber.Cmp(c.SerialNumber) == 0 {
				return fmt.Errorf("%w: %.80q", ErrRevoked, c.Subject.CommonName)
			}
		}
	}
	return nil
}

// collateralFolder of a node's folder holds what its platform does not give: one file for each item, NAME.bin.
const collateralFolder = "collateral"

// readCollateral gives those of the named items that were given or lie in the folder, rising by
// name. A file goes before what was given: it is what the operator fetched last.
func readCollateral(dir string, given map[string][]byte, names ...string) ([]Collateral, error) {
	var items []Collateral
	for _, name := range slices.Sorted(slices.Values(names)) {
		data, err := readAtMost(filepath.Join(dir, collateralFolder, name+".bin"), MaxCollateral)
		if errors.Is(err, os.ErrNotExist) {
			data, err = given[name], nil
		}
		if err != nil {
			return nil, fmt.Errorf("read collateral: %w", err)
		}
		if len(data) > 0 {
			items = append(items, Collateral{Name: name, Data: data})
		}
	}
	return items, nil
}
