package iso20022

import (
	"fmt"

	"aval/domain"
)

// Report is a pain.002, a CustomerPaymentStatusReport: what became of one pain.001.
type Report struct {
	MessageID string `json:"messageId"`
	Version   string `json:"version"`
	// OriginalMessageID is the MsgId of the message reported on.
	OriginalMessageID string `json:"originalMessageId"`
	// Group is the word on the whole message. Without a status of its own it says nothing.
	Group Word `json:"group"`
	// Blocks are the words on its payment information blocks and on the transactions in them.
	Blocks []Block `json:"blocks"`
}

// Word is a status with its reason. Both are empty where the bank gave none.
type Word struct {
	Status string `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Text is what the bank adds, cut to 140 bytes.
	Text string `json:"text,omitempty"`
}

// Block is the word on one payment information block.
type Block struct {
	Path          string `json:"path"`
	PaymentInfoID string `json:"paymentInfoId"`
	Word
	Transactions []TransactionWord `json:"transactions"`
}

// TransactionWord is the word on one transaction.
type TransactionWord struct {
	Path          string `json:"path"`
	EndToEndID    string `json:"endToEndId,omitempty"`
	InstructionID string `json:"instructionId,omitempty"`
	UETR          string `json:"uetr,omitempty"`
	Word
	// Amount has no currency if the bank did not repeat it.
	Amount domain.Money `json:"amount"`
}

// Outcome is what a status means for the debt.
type Outcome string

// The outcomes.
const (
	// Silent: no word, or "look at each transaction" (PART). Nothing may be concluded.
	Silent Outcome = "silent"
	// InProgress: the bank has the payment and has not made it (ACTC, ACCP, ACSP and the like).
	InProgress Outcome = "in-progress"
	// Paid: settlement is completed (ACSC), or the payee has the money (ACCC).
	Paid Outcome = "paid"
	// Rejected: the payment will not be made (RJCT, CANC).
	Rejected Outcome = "rejected"
	// Unknown: a status that is in no list here.
	Unknown Outcome = "unknown"
)

// OutcomeOf reads a status of the external code sets of payment groups and transactions.
func OutcomeOf(status string) Outcome {
	switch status {
	case "", "PART":
		return Silent
	case "RCVD", "PDNG", "ACTC", "PATC", "ACCP", "ACFC", "ACSP", "ACWC", "ACWP", "PRES", "BLCK":
		return InProgress
	case "ACSC", "ACCC":
		return Paid
	case "RJCT", "CANC":
		return Rejected
	}
	return Unknown
}

// WordOn is the word that counts for a transaction, with the path at which it stands: its own, else that of its block, else that of the
// group. A block or group that says PART says nothing about a transaction that is not listed: whether
// that one counts as accepted is for the two sides to agree, not to guess.
func (r Report) WordOn(endToEndID, uetr, paymentInfoID string) TransactionWord {
	for _, b := range r.Blocks {
		for _, t := range b.Transactions {
			if t.Status != "" && t.About(endToEndID, uetr) {
				return t
			}
		}
	}
	for _, b := range r.Blocks {
		if b.PaymentInfoID == paymentInfoID && b.Status != "" {
			return TransactionWord{Path: b.Path, Word: b.Word}
		}
	}
	return TransactionWord{Path: "OrgnlGrpInfAndSts", Word: r.Group}
}

// About says whether the word is about the transaction of these IDs: its end-to-end ID counts, and its UETR where it gives no other.
func (t TransactionWord) About(endToEndID, uetr string) bool {
	return t.EndToEndID == endToEndID || t.EndToEndID == "" && t.UETR == uetr
}

// The elements of a pain.002 that are read.
type reportBody struct {
	MessageID string `xml:"GrpHdr>MsgId"`
	Original  *struct {
		MessageID string       `xml:"OrgnlMsgId"`
		Status    string       `xml:"GrpSts"`
		Reasons   []reasonInfo `xml:"StsRsnInf"`
	} `xml:"OrgnlGrpInfAndSts"`
	Blocks []struct {
		ID           string       `xml:"OrgnlPmtInfId"`
		Status       string       `xml:"PmtInfSts"`
		Reasons      []reasonInfo `xml:"StsRsnInf"`
		Transactions []wordOn     `xml:"TxInfAndSts"`
	} `xml:"OrgnlPmtInfAndSts"`
}

type reasonInfo struct {
	Reason *choice  `xml:"Rsn"`
	Text   []string `xml:"AddtlInf"`
}

type wordOn struct {
	InstructionID string       `xml:"OrgnlInstrId"`
	EndToEndID    string       `xml:"OrgnlEndToEndId"`
	UETR          string       `xml:"OrgnlUETR"`
	Status        string       `xml:"TxSts"`
	Reasons       []reasonInfo `xml:"StsRsnInf"`
	Amount        *amount      `xml:"OrgnlTxRef>Amt>InstdAmt"`
}

// ParseReport reads a pain.002.
func ParseReport(raw []byte) (Report, error) {
	var d struct {
		Body reportBody `xml:"CstmrPmtStsRpt"`
	}
	version, err := decode(raw, StatusReport, &d)
	if err != nil {
		return Report{}, err
	}
	if d.Body.Original == nil {
		return Report{}, domain.Refuse(domain.Malformed, "OrgnlGrpInfAndSts: missing")
	}
	var f fields
	r := Report{
		Version: version, MessageID: f.required("GrpHdr/MsgId", d.Body.MessageID), Blocks: []Block{},
		OriginalMessageID: f.required("OrgnlGrpInfAndSts/OrgnlMsgId", d.Body.Original.MessageID),
		Group:             f.word("OrgnlGrpInfAndSts", "GrpSts", d.Body.Original.Status, d.Body.Original.Reasons),
	}
	count := 0
	for i, b := range d.Body.Blocks {
		path := fmt.Sprintf("OrgnlPmtInfAndSts[%d]", i+1)
		block := Block{
			Path: path, PaymentInfoID: f.required(path+"/OrgnlPmtInfId", b.ID), Word: f.word(path, "PmtInfSts", b.Status, b.Reasons),
			Transactions: []TransactionWord{},
		}
		for j, t := range b.Transactions {
			if count++; count > MaxTransactions {
				return Report{}, domain.Refuse(domain.LimitExceeded, "document: transactions, limit %d", MaxTransactions)
			}
			block.Transactions = append(block.Transactions, f.wordOn(fmt.Sprintf("%s/TxInfAndSts[%d]", path, j+1), t))
		}
		r.Blocks = append(r.Blocks, block)
	}
	if f.err != nil {
		return Report{}, f.err
	}
	return r, r.checkIDs()
}

func (f *fields) word(path, element, status string, reasons []reasonInfo) Word {
	w := Word{Status: f.code(path+"/"+element, status)}
	var text []string
	for _, r := range reasons {
		if r.Reason != nil && w.Reason == "" {
			w.Reason = f.reason(path+"/StsRsnInf/Rsn", *r.Reason)
		}
		text = append(text, r.Text...)
	}
	w.Text = narrative(text)
	return w
}

func (f *fields) wordOn(path string, t wordOn) TransactionWord {
	read := TransactionWord{
		Path: path, InstructionID: f.identifier(path+"/OrgnlInstrId", t.InstructionID), EndToEndID: f.endToEnd(path+"/OrgnlEndToEndId", t.EndToEndID),
		UETR: f.transactionID(path+"/OrgnlUETR", t.UETR), Word: f.word(path, "TxSts", t.Status, t.Reasons),
	}
	if t.Amount != nil {
		read.Amount = f.money(path+"/OrgnlTxRef/Amt/InstdAmt", *t.Amount)
	}
	return read
}

// checkIDs refuses two words on one transaction: which of them counts is not to be guessed.
func (r Report) checkIDs() error {
	seen := map[string]bool{}
	for _, b := range r.Blocks {
		for _, t := range b.Transactions {
			if t.EndToEndID != "" && seen[t.EndToEndID] {
				return domain.Refuse(domain.Malformed, "%s: a second word on one end-to-end ID", t.Path)
			}
			seen[t.EndToEndID] = true
		}
	}
	return nil
}
