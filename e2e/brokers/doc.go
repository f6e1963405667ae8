// Package brokers shows Lockstep before real products whose clients keep their
// connections: RabbitMQ, PostgreSQL and Redis, from Debian's packages, each in
// containers that come, drain, stop and die while clients go on.
//
// make test-brokers makes the image (see .ci/brokers) and runs the tests; without
// it they are skipped. They take about three minutes.
//
//	product           starts one of the products, as process 1 of a container
//	stage_test.go     what the tests share
//	rabbitmq_test.go  no message that was confirmed is lost
//	postgres_test.go  no query fails while servers drain
//	redis_test.go     a server that takes connections and answers none is passed over
package brokers
