// Package conformance runs the vendor's Go client against the emulated account.
package conformance
