// Package contracttest is a bench on which contract kinds run without an engine, and the
// laws that every kind obeys. It is for tests only.
//
// A Bench plays the engine in memory: it knows who is registered, keeps records, balances,
// deadlines and watches, keeps the limits of accounts, compares reversals with what they take
// back, applies effects whole or not at all, and asserts after every step
// that the sum of each currency is zero, that no account but issue/* is below zero, that a
// final record holds no money and is never written again, that effects are within their
// limits, that stored bytes are canonical, and that the same input gives the same effects.
// A broken law ends the test at once.
//
//	b := contracttest.New(t, cash.Contract)
//	b.Register("acme", domain.RoleBuyer)
//	b.Register("initech")
//	b.Fund("acme", domain.Money{Minor: 500, Currency: "EUR"})
//	err := b.Send(1000, "acme", "cash/1", "initech", "transfer", map[string]any{"amount": ...})
//
// # Scenarios
//
// Scenarios runs txtar files. The part "script" holds one step a line; a line that begins
// with a blank continues the one before; '#' begins a comment line. Lines without a time prepare:
//
//	party ID [ROLE...]
//	device ID OPERATOR
//	source ID OPERATOR FAMILY
//	fund PARTY {"minor":1000,"currency":"EUR"}
//
// Lines with a time (RFC 3339, UTC, whole milliseconds) are steps. The sender "-" is the
// engine. A body may be left out. In a body, "@2015-01-01T10:00:00Z" stands for that instant in
// milliseconds. The observation's own time is that of its line.
//
//	TIME SENDER KIND/VERSION/COMMAND/CONTRACT [JSON]
//	TIME observe HOLDER KIND/VERSION/SUBJECT KEY EPOCH SEQUENCE flight|readings JSON
//	TIME advance
//
// A step that is refused is written with its code in front, "! too-early TIME ...". The
// parts "events", "postings", "balances" and "statuses" hold the outcome, one line an item:
//
//	TIME KIND NAME KEY [PARTIES] BODY
//	TIME KIND PURPOSE: DEBIT -> CREDIT AMOUNT [value DAY] [reverses INDEX/NUMBER] [by EVENT]
//	ACCOUNT AMOUNT
//	KIND KEY STATUS open|final [PARTIES]
//
// The event is named where the first one of the step is not the cause. A step's index, which a
// reversal names, is the number of steps, deadlines and refusals among them, before it.
package contracttest
