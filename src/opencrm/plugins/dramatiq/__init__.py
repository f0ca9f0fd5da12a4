"""The queue's work over dramatiq, on Redis, Valkey or RabbitMQ: for companies that run one already.

The outbox row stays in the database until its handler is done: what the broker loses is sent again.
"""
