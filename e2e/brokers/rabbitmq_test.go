package brokers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const queue = "work"

// messages are those of one test: which ones the broker confirmed, and how often
// each was consumed.
type messages struct {
	*tally
	next      int
	confirmed map[int]bool
	consumed  map[int]int
}

// TestRabbitMQ: messages are published and consumed while the nodes of a cluster
// are replaced one after the other, one of them by its sudden death. What was
// confirmed is consumed. Clients connect anew as they do in life, and publish again what was
// not confirmed.
func TestRabbitMQ(t *testing.T) {
	s := open(t, "rabbitmq", 5672, map[string]string{
		"check": "tcp", "check_send": `AMQP\x00\x00\x09\x01`, "check_expect": `\x00\x0a\x00\x0a`,
	})
	s.env = []string{"PEERS=mq-1 mq-2 mq-3 mq-4 mq-5"}
	join := func(name string) {
		t.Helper()
		s.run(name)
		s.until(name+" to answer", func() error {
			conn, err := dial(s.direct(name))
			if err != nil {
				return err
			}
			return conn.Close()
		})
	}
	for _, name := range []string{"mq-1", "mq-2", "mq-3"} {
		join(name)
	}
	m := &messages{tally: newTally(), confirmed: map[int]bool{}, consumed: map[int]int{}}
	s.until("the queue", func() error { return declare(s.address) })

	ctx, cancel := context.WithCancel(t.Context())
	consuming, end := context.WithCancel(t.Context())
	var publishers, consumers sync.WaitGroup
	for range 4 {
		publishers.Go(func() { m.publish(ctx, s.address) })
	}
	for range 3 {
		consumers.Go(func() { m.consume(consuming, s.address) })
	}
	t.Cleanup(func() { cancel(); end(); publishers.Wait(); consumers.Wait() })
	s.more(m.tally, 500)

	join("mq-4")
	s.exec("mq-4", "rabbitmq-queues", "grow", "rabbit@mq-4", "all")
	s.more(m.tally, 500)
	s.drain("mq-1")
	s.more(m.tally, 200)
	before := m.failures()
	if before > 0 {
		t.Errorf("clients met errors while nothing ended: %v", m)
	}
	s.stop("mq-1")
	s.more(m.tally, 500)
	t.Logf("after a drained node stopped: %v", m)
	s.exec("mq-2", "rabbitmqctl", "forget_cluster_node", "rabbit@mq-1")

	join("mq-5")
	s.exec("mq-5", "rabbitmq-queues", "grow", "rabbit@mq-5", "all")
	s.more(m.tally, 200)
	s.kill("mq-2")
	s.more(m.tally, 500)
	t.Logf("after another one was killed: %v", m)

	cancel()
	publishers.Wait()
	s.until("the last messages", func() error { return m.missing() })
	m.report(t)
}

// dial connects as a client does in life, but for the patience.
func dial(address string) (*amqp.Connection, error) {
	return amqp.DialConfig("amqp://guest:guest@"+address+"/", amqp.Config{Heartbeat: 5 * time.Second, Dial: amqp.DefaultDial(5 * time.Second)})
}

// declare makes a queue that three nodes hold.
func declare(address string) error {
	conn, err := dial(address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it may be broken
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	_, err = channel.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-quorum-initial-group-size": 3})
	return err
}

// publish publishes one message after the other, each until it is confirmed.
func (m *messages) publish(ctx context.Context, address string) {
	var conn *amqp.Connection
	var channel *amqp.Channel
	id := 0
	for ctx.Err() == nil {
		if id == 0 {
			m.mu.Lock()
			m.next++
			id = m.next
			m.mu.Unlock()
		}
		err := func() (err error) {
			if conn == nil || conn.IsClosed() {
				if conn, err = dial(address); err != nil {
					return err
				}
				if channel, err = conn.Channel(); err == nil {
					err = channel.Confirm(false)
				}
				if err != nil {
					return err
				}
			}
			within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			confirmation, err := channel.PublishWithDeferredConfirmWithContext(within, "", queue, true, false, amqp.Publishing{
				DeliveryMode: amqp.Persistent, Body: []byte(strconv.Itoa(id)),
			})
			if err != nil {
				return err
			}
			ok, err := confirmation.WaitContext(within)
			if err == nil && !ok {
				err = errors.New("the connection ended before the message was confirmed")
			}
			return err
		}()
		if err != nil {
			m.failure(fmt.Errorf("publish: %w", err))
			if conn != nil {
				_ = conn.Close() // it is of no more use
			}
			pause(ctx, 100*time.Millisecond)
			continue
		}
		m.mu.Lock()
		m.confirmed[id] = true
		m.mu.Unlock()
		m.success("")
		id = 0
		pause(ctx, 5*time.Millisecond)
	}
	if conn != nil {
		_ = conn.Close()
	}
}

// consume takes messages and says so, until ctx ends.
func (m *messages) consume(ctx context.Context, address string) {
	for ctx.Err() == nil {
		if err := m.session(ctx, address); err != nil && ctx.Err() == nil {
			m.failure(fmt.Errorf("consume: %w", err))
			pause(ctx, 100*time.Millisecond)
		}
	}
}

// session consumes over one connection, until it ends.
func (m *messages) session(ctx context.Context, address string) error {
	conn, err := dial(address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it may be broken
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	ends := conn.NotifyClose(make(chan *amqp.Error, 1))
	if err := channel.Qos(20, 0, false); err != nil {
		return err
	}
	deliveries, err := channel.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				select {
				case err, why := <-ends:
					if !why {
						return errors.New("closed")
					}
					return err
				case <-time.After(time.Second):
					return errors.New("the channel ended")
				}
			}
			id, err := strconv.Atoi(string(d.Body))
			if err != nil {
				return err
			}
			m.mu.Lock()
			m.consumed[id]++
			m.mu.Unlock()
			if err := d.Ack(false); err != nil {
				return err
			}
		}
	}
}

// missing names a message that was confirmed and not consumed yet.
func (m *messages) missing() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	lost := 0
	for id := range m.confirmed {
		if m.consumed[id] == 0 {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d of %d confirmed messages were not consumed", lost, len(m.confirmed))
	}
	return nil
}

func (m *messages) report(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	twice := 0
	for _, times := range m.consumed {
		if times > 1 {
			twice++
		}
	}
	confirmed := len(m.confirmed)
	m.mu.Unlock()
	t.Logf("%d messages confirmed, none lost, %d consumed more than once; %v", confirmed, twice, m)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
