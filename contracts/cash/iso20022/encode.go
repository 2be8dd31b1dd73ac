package iso20022

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"aval/domain"
	"aval/domain/ident"
)

// The elements of a pain.001.001.09 that are written, in the order of its schema.
type initiationDocument struct {
	XMLName xml.Name `xml:"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09 Document"`
	Body    struct {
		Header struct {
			MessageID string `xml:"MsgId"`
			Created   string `xml:"CreDtTm"`
			Count     string `xml:"NbOfTxs"`
			Sum       string `xml:"CtrlSum"`
			Initiator string `xml:"InitgPty>Nm"`
		} `xml:"GrpHdr"`
		Block paymentBlock `xml:"PmtInf"`
	} `xml:"CstmrCdtTrfInitn"`
}

type paymentBlock struct {
	ID        string        `xml:"PmtInfId"`
	Method    string        `xml:"PmtMtd"`
	Batch     bool          `xml:"BtchBookg"`
	Count     string        `xml:"NbOfTxs"`
	Sum       string        `xml:"CtrlSum"`
	ExecuteOn string        `xml:"ReqdExctnDt>Dt"`
	Debtor    string        `xml:"Dbtr>Nm"`
	Account   accountOut    `xml:"DbtrAcct>Id"`
	Agent     agent         `xml:"DbtrAgt>FinInstnId"`
	Charges   string        `xml:"ChrgBr"`
	Transfers []transferOut `xml:"CdtTrfTxInf"`
}

type accountOut struct {
	IBAN  string    `xml:"IBAN,omitempty"`
	Other *otherOut `xml:"Othr"`
}

type otherOut struct {
	ID string `xml:"Id"`
}

type agent struct {
	BIC   string    `xml:"BICFI,omitempty"`
	Other *otherOut `xml:"Othr"`
}

type amountOut struct {
	Currency domain.Currency `xml:"Ccy,attr"`
	Text     string          `xml:",chardata"`
}

type partyOut struct {
	Name string  `xml:"Nm"`
	LEI  *leiOut `xml:"Id>OrgId"`
}

type leiOut struct {
	LEI string `xml:"LEI"`
}

type transferOut struct {
	InstructionID    string      `xml:"PmtId>InstrId,omitempty"`
	EndToEndID       string      `xml:"PmtId>EndToEndId"`
	UETR             string      `xml:"PmtId>UETR"`
	Amount           amountOut   `xml:"Amt>InstdAmt"`
	UltimateDebtor   *partyOut   `xml:"UltmtDbtr"`
	Agent            *agent      `xml:"CdtrAgt>FinInstnId"`
	Creditor         string      `xml:"Cdtr>Nm"`
	Account          accountOut  `xml:"CdtrAcct>Id"`
	UltimateCreditor *partyOut   `xml:"UltmtCdtr"`
	Remittance       *remittance `xml:"RmtInf"`
}

type remittance struct {
	Note      string        `xml:"Ustrd,omitempty"`
	Documents []documentOut `xml:"Strd"`
}

type documentOut struct {
	Type        string          `xml:"RfrdDocInf>Tp>CdOrPrtry>Cd"`
	Number      string          `xml:"RfrdDocInf>Nb"`
	Date        domain.Date     `xml:"RfrdDocInf>RltdDt,omitempty"`
	Due         amountOut       `xml:"RfrdDocAmt>DuePyblAmt"`
	Discount    *amountOut      `xml:"RfrdDocAmt>DscntApldAmt>Amt"`
	Credit      *amountOut      `xml:"RfrdDocAmt>CdtNoteAmt"`
	Adjustments []adjustmentOut `xml:"RfrdDocAmt>AdjstmntAmtAndRsn"`
	Remitted    amountOut       `xml:"RfrdDocAmt>RmtdAmt"`
}

type adjustmentOut struct {
	Amount    amountOut `xml:"Amt"`
	Direction Direction `xml:"CdtDbtInd"`
	Reason    string    `xml:"Rsn"`
	Text      string    `xml:"AddtlInf,omitempty"`
}

// Encode writes the message. The same Initiation gives the same bytes for ever, so that it can be sent again as it was.
// What a schema or a bank would refuse is a *domain.Rejection that names the field.
func (i Initiation) Encode() ([]byte, error) {
	if err := i.check(); err != nil {
		return nil, err
	}
	var d initiationDocument
	h, b := &d.Body.Header, &d.Body.Block
	count, sum := strconv.Itoa(len(i.Transfers)), i.controlSum()
	h.MessageID, h.Created, h.Count, h.Sum, h.Initiator = i.MessageID, instant(i.CreatedAt), count, sum, i.Debtor.Name
	*b = paymentBlock{
		ID: i.MessageID, Method: "TRF", Count: count, Sum: sum, ExecuteOn: string(i.ExecuteOn), Debtor: i.Debtor.Name,
		Account: i.Debtor.number(), Agent: agent{BIC: i.Debtor.BIC}, Charges: "SLEV",
	}
	if i.Debtor.BIC == "" {
		b.Agent.Other = &otherOut{"NOTPROVIDED"}
	}
	for _, t := range i.Transfers {
		b.Transfers = append(b.Transfers, t.out())
	}
	text, err := xml.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append([]byte(xml.Header), append(text, '\n')...)
	if len(text) > MaxBytes {
		return nil, domain.Refuse(domain.TooLarge, "message: %d bytes, limit %d", len(text), MaxBytes)
	}
	return text, nil
}

func instant(m domain.Millis) string {
	return time.UnixMilli(int64(m)).UTC().Format("2006-01-02T15:04:05.000Z")
}

// controlSum adds up the amounts as numbers, whatever their currencies, as the standard wants it.
func (i Initiation) controlSum() string {
	sum := decimal.Zero
	for _, t := range i.Transfers {
		exponent, _ := t.Amount.Currency.Exponent() // checked
		sum = sum.Add(decimal.New(t.Amount.Minor, -exponent))
	}
	return sum.String()
}

func (a Account) number() accountOut {
	if ident.CheckIBAN("", a.Number) == nil {
		return accountOut{IBAN: a.Number}
	}
	return accountOut{Other: &otherOut{a.Number}}
}

func money(m domain.Money) amountOut {
	text, _, _ := strings.Cut(m.String(), " ")
	return amountOut{m.Currency, text}
}

func optional(m domain.Money) *amountOut {
	if m.Minor == 0 {
		return nil
	}
	out := money(m)
	return &out
}

func (p *Party) out() *partyOut {
	if p == nil {
		return nil
	}
	out := &partyOut{Name: p.Name}
	if p.LEI != "" {
		out.LEI = &leiOut{p.LEI}
	}
	return out
}

func (t Transfer) out() transferOut {
	out := transferOut{
		InstructionID: t.InstructionID, EndToEndID: t.EndToEndID, UETR: t.UETR, Amount: money(t.Amount), UltimateDebtor: t.UltimateDebtor.out(),
		Creditor: t.Creditor.Name, Account: t.Creditor.number(), UltimateCreditor: t.UltimateCreditor.out(),
	}
	if t.Creditor.BIC != "" {
		out.Agent = &agent{BIC: t.Creditor.BIC}
	}
	if t.Note != "" || len(t.Documents) > 0 {
		out.Remittance = &remittance{Note: t.Note}
	}
	for _, d := range t.Documents {
		out.Remittance.Documents = append(out.Remittance.Documents, d.out())
	}
	return out
}

func (d Document) out() documentOut {
	out := documentOut{
		Type: d.Type, Number: d.Number, Date: d.Date, Due: money(d.Due), Discount: optional(d.Discount), Credit: optional(d.Credit), Remitted: money(d.Remitted),
	}
	for _, a := range d.Adjustments { // in CreditDebitCode a debit is a decrease
		out.Adjustments = append(out.Adjustments, adjustmentOut{money(a.Amount), Debit, a.Reason, a.Text})
	}
	return out
}

func (i Initiation) check() error {
	if err := checkText("messageId", i.MessageID, 1, MaxID); err != nil {
		return err
	}
	if domain.Day(i.CreatedAt) == "" {
		return domain.Refuse(domain.Malformed, "createdAt: no instant from 1970 on")
	}
	if err := i.ExecuteOn.Check("executeOn"); err != nil {
		return err
	}
	if err := i.Debtor.Check("debtor"); err != nil {
		return err
	}
	if len(i.Transfers) == 0 || len(i.Transfers) > MaxTransactions {
		return domain.Refuse(domain.LimitExceeded, "transfers: %d, want 1 to %d", len(i.Transfers), MaxTransactions)
	}
	seen := map[string]bool{}
	for n, t := range i.Transfers {
		if err := t.check(); err != nil {
			return domain.AtItem(n, err)
		}
		if seen[t.EndToEndID] {
			return domain.AtItem(n, domain.Refuse(domain.Malformed, "endToEndId: given twice"))
		}
		seen[t.EndToEndID] = true
	}
	if digits := len(strings.ReplaceAll(i.controlSum(), ".", "")); digits > maxDigits {
		return domain.Refuse(domain.LimitExceeded, "transfers: their control sum has %d digits, limit %d", digits, maxDigits)
	}
	return nil
}

// Check refuses an account that no bank could pay to: no name, no number, one with a form of its own that is wrong.
func (a Account) Check(field string) error {
	if err := checkText(field+".name", a.Name, 1, 140); err != nil {
		return err
	}
	if err := checkText(field+".number", a.Number, 1, 34); err != nil {
		return err
	}
	if a.BIC == "" {
		return nil
	}
	return ident.CheckBIC(field+".bic", a.BIC)
}

// Check refuses a party without a name, or with an LEI that is none.
func (p *Party) Check(field string) error {
	if p == nil {
		return nil
	}
	if err := checkText(field+".name", p.Name, 1, 140); err != nil || p.LEI == "" {
		return err
	}
	return ident.CheckLEI(field+".lei", p.LEI)
}

func (t Transfer) check() error {
	if err := checkText("endToEndId", t.EndToEndID, 1, MaxID); err != nil {
		return err
	}
	if err := checkText("instructionId", t.InstructionID, 0, MaxID); err != nil {
		return err
	}
	if id, err := transactionID("uetr", t.UETR); err != nil || id != t.UETR || len(id) != 36 || id[14] != '4' || !strings.Contains("89ab", id[19:20]) {
		return domain.Refuse(domain.Malformed, "uetr: want a UUID of version 4 in lower case")
	}
	if err := t.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if err := t.Creditor.Check("creditor"); err != nil {
		return err
	}
	if err := t.UltimateDebtor.Check("ultimateDebtor"); err != nil {
		return err
	}
	if err := t.UltimateCreditor.Check("ultimateCreditor"); err != nil {
		return err
	}
	if err := checkText("note", t.Note, 0, 140); err != nil {
		return err
	}
	return CheckDocuments(t.Documents, t.Amount)
}

// CheckDocuments refuses documents that one amount cannot pay: too many, one that does not add up, or in sum not the
// amount. A credit note counts below zero. No documents are right for any amount.
func CheckDocuments(all []Document, amount domain.Money) error {
	if len(all) > MaxDocuments {
		return domain.Refuse(domain.LimitExceeded, "documents: %d, limit %d", len(all), MaxDocuments)
	}
	sum := domain.Money{Currency: amount.Currency}
	for i, d := range all {
		err := d.Check("documents[" + strconv.Itoa(i) + "]")
		if err == nil && d.Type == CreditNoteDocument {
			sum, err = sum.Sub(d.Remitted)
		} else if err == nil {
			sum, err = sum.Add(d.Remitted)
		}
		if err != nil {
			return err
		}
	}
	if len(all) > 0 && sum != amount {
		return domain.Refuse(domain.InvalidTerms, "documents: together they are not the amount")
	}
	return nil
}

// checkText refuses text outside least..most characters, with control characters, or with white space at an end or only white space.
func checkText(field, text string, least, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case n < least || n > most:
		return domain.Refuse(domain.Malformed, "%s: %d characters, want %d to %d", field, n, least, most)
	case strings.ContainsFunc(text, control) || strings.ContainsAny(text, "\ufffe\uffff") || !utf8.ValidString(text):
		return domain.Refuse(domain.Malformed, "%s: a character that a message cannot carry", field)
	case strings.TrimSpace(text) != text:
		return domain.Refuse(domain.Malformed, "%s: white space at an end", field)
	}
	return nil
}
