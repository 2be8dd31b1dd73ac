package ubl

import (
	"slices"
	"strings"

	"aval/domain"
)

// Codes of an Invoice Response, UNCL4343 as Peppol's T111 uses it.
const (
	Acknowledged          = "AB" // received
	InProcess             = "IP"
	UnderQuery            = "UQ"
	ConditionallyAccepted = "CA"
	Rejected              = "RE"
	Accepted              = "AP"
	Paid                  = "PD"
)

// Response is an application response that answers an invoice.
type Response struct {
	ID     string      `json:"id"`
	Issued domain.Date `json:"issued,omitempty"`
	// Code is one of those above, or another that the document has.
	Code string `json:"code"`
	// Effective is from when the answer holds; empty if it does not say.
	Effective domain.Date `json:"effective,omitempty"`
	Reasons   []Reason    `json:"reasons,omitempty"`
	// Invoice is what is answered.
	Invoice  Reference `json:"invoice"`
	Sender   Party     `json:"sender"`
	Receiver Party     `json:"receiver"`
}

// The lists that the code of a reason may be of.
const (
	StatusReason = "OPStatusReason" // why: QTY, DEL, PRI, QUA, REF ...
	StatusAction = "OPStatusAction" // what shall be done: NOA, PIN, NIN, CNF, CNP, CNA, OTH
)

// Reason says why, or what shall be done about it.
type Reason struct {
	// List is StatusReason or StatusAction.
	List string `json:"list,omitempty"`
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// First is the code of the first reason of a list, or empty.
func (r Response) First(list string) string {
	for _, reason := range r.Reasons {
		if reason.List == list {
			return reason.Code
		}
	}
	return ""
}

type responseXML struct {
	CustomizationID text   `xml:"CustomizationID"`
	ID              text   `xml:"ID"`
	IssueDate       text   `xml:"IssueDate"`
	SenderParty     *party `xml:"SenderParty"`
	ReceiverParty   *party `xml:"ReceiverParty"`
	Documents       []struct {
		Response struct {
			ResponseCode  text        `xml:"ResponseCode"`
			EffectiveDate text        `xml:"EffectiveDate"`
			Status        []statusXML `xml:"Status"`
		} `xml:"Response"`
		DocumentReference []reference `xml:"DocumentReference"`
	} `xml:"DocumentResponse"`
}

type statusXML struct {
	StatusReasonCode struct {
		Value text `xml:",chardata"`
		List  text `xml:"listID,attr"`
	} `xml:"StatusReasonCode"`
	StatusReason []text `xml:"StatusReason"`
}

// check wants one answer: several in a document would each need a place.
func (x *responseXML) check() error {
	if n := len(x.Documents); n != 1 {
		return domain.Refuse(domain.Malformed, "document: %d times DocumentResponse, want 1", n)
	}
	return bound(list{"Status", len(x.Documents[0].Response.Status), MaxList})
}

func (x *responseXML) plain(r *report) *Response {
	d := x.Documents[0]
	all := &Response{
		ID: string(x.ID), Issued: r.day(x.IssueDate, "/cbc:IssueDate"), Code: string(d.Response.ResponseCode),
		Effective: r.day(d.Response.EffectiveDate, "/cac:DocumentResponse/cac:Response/cbc:EffectiveDate"),
		Sender:    x.SenderParty.plain(), Receiver: x.ReceiverParty.plain(),
	}
	for _, ref := range references(d.DocumentReference) {
		if ref.TypeCode != paymentReference || all.Invoice.ID == "" {
			all.Invoice = ref
		}
	}
	for _, s := range d.Response.Status {
		reason := Reason{List: string(s.StatusReasonCode.List), Code: string(s.StatusReasonCode.Value)}
		for _, t := range s.StatusReason {
			reason.Text = string(t)
		}
		all.Reasons = append(all.Reasons, reason)
	}
	if x.CustomizationID == "" || strings.HasPrefix(string(x.CustomizationID), responseCustomization) { // answers to other documents have other rules
		r.clarified(all)
	}
	return all
}

// paymentReference is the type of a reference to a payment, which may stand beside that to the invoice (UNTDID 1001).
const paymentReference = "481"

// clarified reports an answer that is no plain yes and gives no reason.
func (r *report) clarified(answer *Response) {
	if slices.Contains([]string{ConditionallyAccepted, UnderQuery, Rejected}, answer.Code) &&
		!slices.ContainsFunc(answer.Reasons, func(reason Reason) bool { return reason.Code != "" }) {
		r.found(ruleClarification, "/cac:DocumentResponse/cac:Response/cac:Status/cbc:StatusReasonCode", "%s without a reason or an action", answer.Code)
	}
}
