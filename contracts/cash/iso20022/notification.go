package iso20022

import (
	"fmt"

	"aval/domain"
)

// Direction says which way money moved on the account that a notification is about.
type Direction string

// The directions (CreditDebitCode).
const (
	Debit  Direction = "DBIT"
	Credit Direction = "CRDT"
)

// Booked is the status of an entry that moved money. PDNG announces, INFO informs: neither did.
const Booked = "BOOK"

// Bookings is a camt.054, a BankToCustomerDebitCreditNotification.
type Bookings struct {
	MessageID string  `json:"messageId"`
	Version   string  `json:"version"`
	Entries   []Entry `json:"entries"`
	// Exceptions are what does not add up, by the path of an entry or a transaction.
	Exceptions []Exception `json:"exceptions"`
}

// Entry is one booking on one account.
type Entry struct {
	Path string `json:"path"`
	// NotificationID, Account (an IBAN or another number) and Copy ("COPY", "DUPL" or "CODU") are those of its notification.
	NotificationID string `json:"notificationId"`
	Account        string `json:"account"`
	Copy           string `json:"copy,omitempty"`
	// Reference is NtryRef, ServicerReference the bank's own.
	Reference         string `json:"reference,omitempty"`
	ServicerReference string `json:"servicerReference,omitempty"`
	// Amount has no currency if nobody is paid in its currency: an exception says so.
	Amount    domain.Money `json:"amount"`
	Direction Direction    `json:"direction"`
	// Reversal says that the entry takes back an earlier one (RvslInd).
	Reversal  bool        `json:"reversal,omitempty"`
	Status    string      `json:"status"`
	BookedOn  domain.Date `json:"bookedOn,omitempty"`
	ValueDate domain.Date `json:"valueDate,omitempty"`
	// Transactions are those that the entry books together. None if the bank gives no details.
	Transactions []Transaction `json:"transactions"`
	charged      bool
	code         string
}

// Transaction is one payment of an entry.
type Transaction struct {
	Path string `json:"path"`
	// EndToEndID is empty if the payer gave none, also by "NOTPROVIDED".
	EndToEndID        string `json:"endToEndId,omitempty"`
	UETR              string `json:"uetr,omitempty"`
	InstructionID     string `json:"instructionId,omitempty"`
	PaymentInfoID     string `json:"paymentInfoId,omitempty"`
	ServicerReference string `json:"servicerReference,omitempty"`
	// Amount has no currency if it is not known: an exception says why.
	Amount domain.Money `json:"amount"`
	// Returned says that the payment came back (RtrInf, or a bank's code for it), Reason why: "AC04".
	Returned   bool   `json:"returned,omitempty"`
	Reason     string `json:"reason,omitempty"`
	ReasonText string `json:"reasonText,omitempty"`
}

// ParseBookings reads a camt.054.
func ParseBookings(raw []byte) (Bookings, error) {
	var d struct {
		Body notificationBody `xml:"BkToCstmrDbtCdtNtfctn"`
	}
	version, err := decode(raw, Notification, &d)
	if err != nil {
		return Bookings{}, err
	}
	b := Bookings{Version: version, Entries: []Entry{}, Exceptions: []Exception{}}
	if b.MessageID, err = required("GrpHdr/MsgId", d.Body.MessageID); err != nil {
		return Bookings{}, err
	}
	if len(d.Body.Notifications) == 0 {
		return Bookings{}, domain.Refuse(domain.Malformed, "Ntfctn: missing")
	}
	count := 0
	for i, n := range d.Body.Notifications {
		entries, err := n.read(fmt.Sprintf("Ntfctn[%d]", i+1), &count)
		if err != nil {
			return Bookings{}, err
		}
		b.Entries = append(b.Entries, entries...)
	}
	b.check(d.Body.Notifications)
	return b, nil
}

// Doubted says whether an exception touches the path or what it lies in.
func (b Bookings) Doubted(path string) bool {
	for _, e := range b.Exceptions {
		if e.Path == path || len(path) > len(e.Path) && path[:len(e.Path)+1] == e.Path+"/" {
			return true
		}
	}
	return false
}
