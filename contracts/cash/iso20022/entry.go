package iso20022

import (
	"fmt"

	"aval/domain"
)

// The elements of a camt.054 that are read.
type notificationBody struct {
	MessageID     string         `xml:"GrpHdr>MsgId"`
	Notifications []notification `xml:"Ntfctn"`
}

type notification struct {
	ID      string  `xml:"Id"`
	Copy    string  `xml:"CpyDplctInd"`
	Account account `xml:"Acct"`
	Entries []entry `xml:"Ntry"`
}

type account struct {
	IBAN  string `xml:"Id>IBAN"`
	Other string `xml:"Id>Othr>Id"`
}

type entry struct {
	Reference         string    `xml:"NtryRef"`
	Amount            amount    `xml:"Amt"`
	Direction         string    `xml:"CdtDbtInd"`
	Reversal          string    `xml:"RvslInd"`
	Status            choice    `xml:"Sts"`
	Booked            day       `xml:"BookgDt"`
	Value             day       `xml:"ValDt"`
	ServicerReference string    `xml:"AcctSvcrRef"`
	Code              bankCode  `xml:"BkTxCd"`
	Charges           []charges `xml:"Chrgs"`
	Details           []details `xml:"NtryDtls"`
}

// charges says only that there are some.
type charges struct{}

type bankCode struct {
	SubFamily string `xml:"Domn>Fmly>SubFmlyCd"`
}

type details struct {
	Batch        *batch        `xml:"Btch"`
	Transactions []transaction `xml:"TxDtls"`
}

type batch struct {
	Count string  `xml:"NbOfTxs"`
	Total *amount `xml:"TtlAmt"`
}

type transaction struct {
	References struct {
		ServicerReference string `xml:"AcctSvcrRef"`
		PaymentInfoID     string `xml:"PmtInfId"`
		InstructionID     string `xml:"InstrId"`
		EndToEndID        string `xml:"EndToEndId"`
		UETR              string `xml:"UETR"`
	} `xml:"Refs"`
	Amount            *amount   `xml:"Amt"`
	TransactionAmount *amount   `xml:"AmtDtls>TxAmt>Amt"`
	InstructedAmount  *amount   `xml:"AmtDtls>InstdAmt>Amt"`
	Charges           []charges `xml:"Chrgs"`
	Code              bankCode  `xml:"BkTxCd"`
	Return            *struct {
		Reason choice   `xml:"Rsn"`
		Text   []string `xml:"AddtlInf"`
	} `xml:"RtrInf"`
}

func (n notification) read(path string, count *int) ([]Entry, error) {
	var f fields
	id := f.required(path+"/Id", n.ID)
	copied := f.code(path+"/CpyDplctInd", n.Copy)
	number := f.number(path+"/Acct/Id", n.Account)
	if f.err != nil {
		return nil, f.err
	}
	var all []Entry
	for i, one := range n.Entries {
		e, err := one.read(fmt.Sprintf("%s/Ntry[%d]", path, i+1), count)
		if err != nil {
			return nil, err
		}
		e.NotificationID, e.Copy, e.Account = id, copied, number
		all = append(all, e)
	}
	return all, nil
}

func (e entry) read(path string, count *int) (Entry, error) {
	var f fields
	read := Entry{
		Path: path, Reference: f.identifier(path+"/NtryRef", e.Reference), ServicerReference: f.identifier(path+"/AcctSvcrRef", e.ServicerReference),
		Amount: f.money(path+"/Amt", e.Amount), Direction: f.direction(path+"/CdtDbtInd", e.Direction), Reversal: f.flag(path+"/RvslInd", e.Reversal),
		Status:   f.status(path+"/Sts", e.Status),
		BookedOn: f.date(path+"/BookgDt", e.Booked), ValueDate: f.date(path+"/ValDt", e.Value),
		Transactions: []Transaction{}, charged: len(e.Charges) > 0, code: f.code(path+"/BkTxCd", e.Code.SubFamily),
	}
	if f.err != nil {
		return Entry{}, f.err
	}
	single := len(e.Details) == 1 && len(e.Details[0].Transactions) == 1
	for i, d := range e.Details {
		for j, t := range d.Transactions {
			if *count++; *count > MaxTransactions {
				return Entry{}, domain.Refuse(domain.LimitExceeded, "document: transactions, limit %d", MaxTransactions)
			}
			one, err := t.read(fmt.Sprintf("%s/NtryDtls[%d]/TxDtls[%d]", path, i+1, j+1))
			if err != nil {
				return Entry{}, err
			}
			if single && !t.priced() {
				one.Amount = read.Amount
			}
			one.Returned = one.Returned || sentBack(read.code)
			read.charged = read.charged || len(t.Charges) > 0
			read.Transactions = append(read.Transactions, one)
		}
	}
	return read, nil
}

func (t transaction) priced() bool { return t.Amount != nil || t.TransactionAmount != nil }

func (t transaction) read(path string) (Transaction, error) {
	var f fields
	refs := path + "/Refs"
	one := Transaction{
		Path: path, EndToEndID: f.endToEnd(refs+"/EndToEndId", t.References.EndToEndID), UETR: f.transactionID(refs+"/UETR", t.References.UETR),
		InstructionID: f.identifier(refs+"/InstrId", t.References.InstructionID), PaymentInfoID: f.identifier(refs+"/PmtInfId", t.References.PaymentInfoID),
		ServicerReference: f.identifier(refs+"/AcctSvcrRef", t.References.ServicerReference),
		Returned:          t.Return != nil || sentBack(f.code(path+"/BkTxCd", t.Code.SubFamily)),
	}
	if t.TransactionAmount != nil {
		one.Amount = f.money(path+"/AmtDtls/TxAmt/Amt", *t.TransactionAmount)
	}
	if t.Amount != nil { // the amount that was booked, where the version has it
		one.Amount = f.money(path+"/Amt", *t.Amount)
	}
	if t.InstructedAmount != nil {
		f.money(path+"/AmtDtls/InstdAmt/Amt", *t.InstructedAmount) // never what was booked, but no nonsense either
	}
	if t.Return != nil {
		one.Reason = f.reason(path+"/RtrInf/Rsn", t.Return.Reason)
		one.ReasonText = narrative(t.Return.Text)
	}
	return one, f.err
}

// sentBack says whether a bank's code for the kind of a booking means that a payment came back:
// a return, or the reversal that follows a request to cancel (sub-families of ICDT, RCDT and IRCT).
func sentBack(subFamily string) bool { return subFamily == "RRTN" || subFamily == "RPCR" }
