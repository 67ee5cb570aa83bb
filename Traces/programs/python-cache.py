# A service in its steady state: a cache that is full, entries of all sizes that come and go, and now
# and then a report over all of them.
import random, sys, time

random.seed(7)
cache, order = {}, []
end = time.monotonic() + float(sys.argv[1])
requests = 0
while time.monotonic() < end:
    for _ in range(40):
        key = "user:%d" % int(random.paretovariate(0.6))
        entry = cache.get(key)
        if entry is None:
            size = min(int(random.lognormvariate(6, 1.5)), 200_000)
            cache[key] = {"body": bytes(size), "tags": [str(random.random()) for _ in range(3)]}
            order.append(key)
        else:
            entry["seen"] = entry.get("seen", 0) + 1
        if len(order) > 6000:
            del cache[order.pop(0)]
        requests += 1
    if requests % 20_000 == 0:
        summary = sorted((len(entry["body"]), key) for key, entry in cache.items())[-100:]
    time.sleep(0.01)
print(requests, len(cache))
