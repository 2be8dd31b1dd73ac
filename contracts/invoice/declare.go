package invoice

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"aval/contracts/invoice/fingerprint"
	"aval/domain"
)

// Limits of an invoice.
const (
	// MaxNumberLength bounds an invoice number, in bytes.
	MaxNumberLength = 64
	// MaxShipments bounds the shipments that one invoice covers.
	MaxShipments = 16
)

// commercial is the type code of a commercial invoice in UNTDID 1001.
const commercial = "380"

// Declaration is the body of invoice.
type Declaration struct {
	Agreement string `json:"agreement"`
	// Number is the supplier's invoice number; surrounding spaces do not count, all else does.
	Number string `json:"number"`
	// TypeCode is one of UNTDID 1001's; left out it is 380, a commercial invoice.
	TypeCode string `json:"typeCode,omitempty"`
	// Payable is the amount due as the document states it, tax included.
	Payable domain.Money `json:"payable"`
	// DocumentSHA256 is the hash of the invoice file in lower-case hexadecimal, empty if there is none.
	DocumentSHA256 string `json:"documentSha256,omitempty"`
	// Shipments are the open shipments that it covers; none for one that comes before its goods, or is paid by the terms alone.
	Shipments []string `json:"shipments,omitempty"`
	// Lines are needed under an order with lines.
	Lines []BillLine `json:"lines,omitempty"`
}

// declared is what a declaration tells its insiders.
type declared struct {
	Agreement string       `json:"agreement"`
	Number    string       `json:"number"`
	TypeCode  string       `json:"typeCode"`
	Payable   domain.Money `json:"payable"`
	Shipments []string     `json:"shipments,omitempty"`
}

func (d *draft) invoice() error {
	var body Declaration
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.underAgreement(body.Agreement)
	if err != nil {
		return err
	}
	return d.declare(a, body)
}

// declare takes an invoice in and holds its money.
func (d *draft) declare(a *Agreement, body Declaration) error {
	b := Bill{
		ID: d.in.Command.Contract, Agreement: a.ID, Status: Valid, Payment: a.Terms.payment(), Number: strings.Trim(body.Number, " "),
		TypeCode: body.TypeCode, Payable: body.Payable.Minor, DocumentSHA256: body.DocumentSHA256, Shipments: body.Shipments,
		Lines: body.Lines,
	}
	if len(b.Shipments) == 0 && !b.Payment.OnTerms {
		b.Status, b.AnswerAt = Received, d.in.Now+a.Terms.ReceiptMillis
	}
	if day := d.today(b.Payment); day != "" {
		b.Year, _ = strconv.ParseInt(string(day[:4]), 10, 64) // a day begins with its year
	}
	if b.TypeCode == "" {
		b.TypeCode = commercial
	}
	if err := d.checkDeclaration(a, b, body.Payable); err != nil {
		return err
	}
	kept := d.bills.add(billKey(b.ID), b)
	a.Open++
	d.agreements.touch(a)
	put(d, numberKey(b.Payment.Supplier, b.Number), usedNumber{b.ID}, "used", true, b.Payment.Supplier)
	if b.Payment.Settlement.escrowed() {
		d.move("hold", a.escrow(), b.escrow(), b.Payable, b.Payment.Currency)
	}
	d.event("InvoiceDeclared", billKey(b.ID), declared{a.ID, b.Number, b.TypeCode, b.money(b.Payable), b.Shipments}, b.insiders()...)
	if err := d.cover(kept); err != nil {
		return err
	}
	return d.advance(kept)
}

// cover ties an invoice to its shipments, and charges it for those that were judged before.
func (d *draft) cover(b *Bill) error {
	goods, err := d.goods(b)
	if err != nil {
		return err
	}
	for i, s := range goods {
		if s.Agreement != b.Agreement || slices.Contains(b.Shipments[:i], s.ID) {
			return domain.Refuse(domain.NotFound, "shipments: %.64q is not open under this agreement, or stands twice", s.ID)
		}
		if err := d.tie(b, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) tie(b *Bill, s *Shipment) error {
	if len(s.Bills) == MaxBills {
		return domain.Refuse(domain.LimitExceeded, "shipments: %d open invoices cover %s, limit %d", len(s.Bills), s.ID, MaxBills)
	}
	s.Bills = append(s.Bills, b.ID)
	d.shipments.touch(s)
	return d.penalise(b, s)
}

// fulfil ties a shipment to an invoice that was declared before it.
func (d *draft) fulfil(s *Shipment, body Opening) error {
	b, found, err := d.bills.fetch(d.view, billKey(body.Invoice))
	if err != nil {
		return err
	}
	if !found || b.Agreement != s.Agreement || !b.pending() || body.Number != "" || body.Payable != (domain.Money{}) {
		return domain.Refuse(domain.NotFound, "invoice: %.64q waits for no goods under this agreement", body.Invoice)
	}
	if len(b.Shipments) == MaxShipments {
		return domain.Refuse(domain.LimitExceeded, "invoice: covers %d shipments, limit %d", len(b.Shipments), MaxShipments)
	}
	b.Shipments, b.Status, b.AnswerAt = append(b.Shipments, s.ID), Valid, 0
	d.bills.touch(b)
	return d.tie(b, s)
}

func (d *draft) checkDeclaration(a *Agreement, b Bill, payable domain.Money) error {
	if d.taken(billKey(b.ID)) {
		return domain.Refuse(domain.AlreadyExists, "invoice %s: the ID is taken", b.ID)
	}
	if b.TypeCode != commercial {
		return domain.Refuse(domain.Malformed, "typeCode %.8q is not one of UNTDID 1001 that can be declared", b.TypeCode)
	}
	early := b.Payment.OnTerms || a.Terms.ReceiptMillis > 0
	if len(b.Shipments) == 0 && !early || len(b.Shipments) > MaxShipments {
		return domain.Refuse(domain.LimitExceeded, "shipments: %d, want 1 to %d", len(b.Shipments), MaxShipments)
	}
	if err := a.price(b.Lines); err != nil {
		return err
	}
	if payable.Currency != b.Payment.Currency {
		return domain.Refuse(domain.CurrencyMismatch, "payable is in %.3s, the agreement in %s", string(payable.Currency), b.Payment.Currency)
	}
	if err := payable.CheckPositive("payable"); err != nil {
		return err
	}
	if payable.Minor > a.Terms.MaxPayable {
		return domain.Refuse(domain.CapacityExceeded, "payable: above the maxPayable of the terms")
	}
	if !printable(b.Number, MaxNumberLength) {
		return domain.Refuse(domain.Malformed, "number: want 1 to %d printable ASCII characters", MaxNumberLength)
	}
	if err := checkDocument(b.DocumentSHA256); err != nil {
		return err
	}
	if d.taken(numberKey(b.Payment.Supplier, b.Number)) {
		return domain.Refuse(domain.AlreadyExists, "number: you have used this invoice number before")
	}
	if b.Payment.Settlement.escrowed() && d.balance(a.escrow(), b.Payment.Currency) < b.Payable {
		return domain.Refuse(domain.InsufficientFunds, "payable: more than the agreement's escrow holds")
	}
	return nil
}

// checkDocument refuses what is neither empty nor a hash.
func checkDocument(hash string) error {
	if hash != "" && (len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "") {
		return domain.Refuse(domain.Malformed, "documentSha256: want 64 lower-case hexadecimal digits")
	}
	return nil
}

// usedNumber is the record number/<hash>, final at once: that its key is closed is all it says.
type usedNumber struct {
	Invoice string `json:"invoice"`
}

// numberKey hashes supplier and invoice number, whatever its spelling (fingerprint.Normalise); a zero
// byte, which neither holds, divides them.
func numberKey(supplier domain.PartyID, number string) string {
	if normal, err := fingerprint.Normalise(number); err == nil { // refused elsewhere if not
		number = strings.ToUpper(normal)
	}
	sum := sha256.Sum256([]byte(string(supplier) + "\x00" + number))
	return "number/" + hex.EncodeToString(sum[:])
}
