N = 60000


def work():
    total = 0
    for i in range(N):
        total += i * i % 7
    return total
