package ubl

import (
	"fmt"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// What a receipt advice is about: the despatch advice itself, or the goods (Peppol logistics, T128).
const (
	AboutDespatch = "D"
	AboutGoods    = "S"
)

// Receipt is a receipt advice: what the receiver says arrived.
type Receipt struct {
	ID     string      `json:"id"`
	Issued domain.Date `json:"issued,omitempty"`
	// About is AboutDespatch or AboutGoods; empty, in documents outside of Peppol, means the goods.
	About string `json:"about,omitempty"`
	// Status answers: AB received, AP accepted, CA accepted with conditions, RE rejected. Empty says nothing beyond the lines.
	Status   string `json:"status,omitempty"`
	Order    string `json:"order,omitempty"`
	Despatch string `json:"despatch,omitempty"`
	// Receiver is who received, Supplier who sent.
	Receiver Party         `json:"receiver"`
	Supplier Party         `json:"supplier"`
	Lines    []ReceiptLine `json:"lines"`
}

// ReceiptLine is what became of one line of a despatch advice.
type ReceiptLine struct {
	ID           string `json:"id"`
	Item         Item   `json:"item"`
	OrderLine    string `json:"orderLine,omitempty"`
	Order        string `json:"order,omitempty"`
	DespatchLine string `json:"despatchLine,omitempty"`
	// Received is all that arrived, with what is rejected and what is too much. Short is what did not arrive.
	Received   *Quantity `json:"received,omitempty"`
	Short      *Quantity `json:"short,omitempty"`
	Rejected   *Quantity `json:"rejected,omitempty"`
	Oversupply *Quantity `json:"oversupply,omitempty"`
	// RejectReason is a code; RejectAction and ShortAction say what the supplier shall do: 1 replace, 2 credit and cancel.
	RejectReason string `json:"rejectReason,omitempty"`
	RejectAction string `json:"rejectAction,omitempty"`
	ShortAction  string `json:"shortAction,omitempty"`
}

// Accepted is what arrived less what is rejected; ninety received of a hundred and five of them rejected are 85.
func (l ReceiptLine) Accepted() decimal.Decimal {
	accepted := decimal.Zero
	if l.Received != nil {
		accepted = l.Received.Value
	}
	if l.Rejected != nil {
		accepted = accepted.Sub(l.Rejected.Value)
	}
	return accepted
}

type receiptXML struct {
	ID                    text `xml:"ID"`
	IssueDate             text `xml:"IssueDate"`
	ReceiptAdviceTypeCode text `xml:"ReceiptAdviceTypeCode"`
	OrderReference        []struct {
		ID text `xml:"ID"`
	} `xml:"OrderReference"`
	Despatch []struct {
		ID                 text `xml:"ID"`
		DocumentStatusCode text `xml:"DocumentStatusCode"`
	} `xml:"DespatchDocumentReference"`
	DeliveryCustomerParty *holder `xml:"DeliveryCustomerParty"`
	DespatchSupplierParty *holder `xml:"DespatchSupplierParty"`
	Shipment              struct {
		Consignment []struct {
			Status []struct {
				ConditionCode text `xml:"ConditionCode"`
			} `xml:"Status"`
		} `xml:"Consignment"`
	} `xml:"Shipment"`
	ReceiptLine []receiptLineXML `xml:"ReceiptLine"`
}

type receiptLineXML struct {
	ID                    text      `xml:"ID"`
	ReceivedQuantity      *quantity `xml:"ReceivedQuantity"`
	ShortQuantity         *quantity `xml:"ShortQuantity"`
	ShortageActionCode    text      `xml:"ShortageActionCode"`
	RejectedQuantity      *quantity `xml:"RejectedQuantity"`
	RejectReasonCode      text      `xml:"RejectReasonCode"`
	RejectActionCode      text      `xml:"RejectActionCode"`
	OversupplyQuantity    *quantity `xml:"OversupplyQuantity"`
	OrderLineReference    []lineOf  `xml:"OrderLineReference"`
	DespatchLineReference []lineOf  `xml:"DespatchLineReference"`
	Item                  []item    `xml:"Item"`
}

func (x *receiptXML) check() error {
	return bound(list{"ReceiptLine", len(x.ReceiptLine), MaxLines}, list{"DespatchDocumentReference", len(x.Despatch), MaxList})
}

func (x *receiptXML) plain(r *report) *Receipt {
	all := &Receipt{
		ID: string(x.ID), Issued: r.day(x.IssueDate, "/cbc:IssueDate"), About: string(x.ReceiptAdviceTypeCode),
		Receiver: x.DeliveryCustomerParty.plain(), Supplier: x.DespatchSupplierParty.plain(),
	}
	for _, order := range x.OrderReference {
		all.Order = string(order.ID)
	}
	for _, despatch := range x.Despatch {
		all.Despatch, all.Status = string(despatch.ID), string(despatch.DocumentStatusCode)
	}
	for _, c := range x.Shipment.Consignment {
		for _, status := range c.Status {
			if all.About == AboutGoods {
				all.Status = string(status.ConditionCode)
			}
		}
	}
	for i, l := range x.ReceiptLine {
		all.Lines = append(all.Lines, l.plain(r, fmt.Sprintf("/cac:ReceiptLine[%d]", i+1)))
	}
	return all
}

func (x receiptLineXML) plain(r *report, path string) ReceiptLine {
	l := ReceiptLine{
		ID: string(x.ID), Received: r.counted(x.ReceivedQuantity, path+"/cbc:ReceivedQuantity"), Short: r.counted(x.ShortQuantity, path+"/cbc:ShortQuantity"),
		Rejected: r.counted(x.RejectedQuantity, path+"/cbc:RejectedQuantity"), Oversupply: r.counted(x.OversupplyQuantity, path+"/cbc:OversupplyQuantity"),
		RejectReason: string(x.RejectReasonCode), RejectAction: string(x.RejectActionCode), ShortAction: string(x.ShortageActionCode),
	}
	for _, ref := range x.OrderLineReference {
		l.OrderLine, l.Order = string(ref.LineID), string(ref.OrderReference.ID)
	}
	for _, ref := range x.DespatchLineReference {
		l.DespatchLine = string(ref.LineID)
	}
	if len(x.Item) > 0 {
		l.Item = x.Item[0].plain()
	}
	r.sameUnit(path, l.Received, l.Short, l.Rejected, l.Oversupply)
	for _, q := range []*Quantity{l.Received, l.Short, l.Rejected, l.Oversupply} {
		if q != nil && q.Value.IsNegative() {
			r.found(RuleQuantity, path, "%s, want no negative quantity", q.Value)
		}
	}
	if l.Accepted().IsNegative() {
		r.found(RuleQuantity, path+"/cbc:RejectedQuantity", "more is rejected than was received")
	}
	return l
}
