// Package epcis reads what carriers and warehouses publish: capture documents of GS1 EPCIS 2.0
// in JSON-LD, and events of DCSA Track and Trace 3.0. It turns them into the readings that
// contracts judge, and carries them signed.
//
// Reading is strict and within limits: a document is read whole or refused, and the refusal
// names the field by its path. Nothing is fetched: contexts are known by heart, prefixes that a
// document declares are kept. Numbers are exact decimals. What is well formed and cannot be, such as a
// wrong check digit, is an Exception: the document is read, and what it concerns is never evidence.
//
// A document states facts about many goods; a signed Capture says which shipment they are
// meant for, and a contract takes of them what names that shipment's goods.
//
// Everything here is pure and safe for concurrent use. Errors are *domain.Rejection.
package epcis

import "aval/domain"

// Limits of one document.
const (
	// MaxBytes bounds a document.
	MaxBytes = 512 << 10
	// MaxDepth bounds its nesting, MaxValues its JSON values, MaxList the items of one array.
	MaxDepth  = 32
	MaxValues = 50_000
	MaxList   = 5_000
	// MaxTextBytes bounds one text, MaxURIBytes one URI.
	MaxTextBytes = 8 << 10
	MaxURIBytes  = 2_048
	// MaxEvents bounds the events.
	MaxEvents = 500
	// MinTime and MaxTime bound every instant: 1 January 1970 to the end of 9999.
	MinTime domain.Millis = 0
	MaxTime domain.Millis = 253402300799999
	// maxTimeBytes bounds the text of an instant, nine decimals of a second and an offset.
	maxTimeBytes = 40
)
