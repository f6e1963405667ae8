// Package docs holds the pages for users. The tests here check every example in
// every page, and in the README, against the program.
package docs
